# Beside the CCS or HiFi reads, where there is one file of them.
rule evaluate:
    input:
        truth=sheet("truth"),
        reads=rules.gather.output.bam,
        drafts=one_file_before,
    output:
        json=results("{sample}/{sample}.evaluation.json"),
        table=report(
            results("{sample}/{sample}.evaluation.txt"),
            caption="../report/evaluation.rst",
            category="Errors",
            labels={"sample": "{sample}"},
        ),
    log:
        results("{sample}/logs/evaluate.log"),
    benchmark:
        results("{sample}/benchmarks/evaluate.tsv")
    params:
        baseline=lambda wildcards, input: ["--baseline", *input.drafts] if input.drafts else [],
    resources:
        mem_mb=memory(2000),
        runtime=minutes(20, seconds_per_mb=1),
    conda:
        "../envs/deepconsensus-py.yaml"
    shell:
        "deepconsensus-py evaluate {input.reads:q} --truth {input.truth:q} {params.baseline:q}"
        " --json {output.json:q} > {output.table:q} 2> {log:q}"
