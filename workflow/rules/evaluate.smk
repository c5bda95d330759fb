rule evaluate:
    input:
        truth=sheet("truth"),
        reads=rules.gather.output.bam,
        drafts=sheet("ccs"),
    output:
        json=results("{sample}/{sample}.evaluation.json"),
        table=results("{sample}/{sample}.evaluation.txt"),
    log:
        results("{sample}/logs/evaluate.log"),
    benchmark:
        results("{sample}/benchmarks/evaluate.tsv")
    threads: 2
    resources:
        mem_mb=4000,
        runtime=120,
    conda:
        "../envs/deepconsensus-py.yaml"
    shell:
        "deepconsensus-py evaluate {input.reads:q} --truth {input.truth:q} --baseline {input.drafts:q}"
        " --json {output.json:q} > {output.table:q} 2> {log:q}"
