rule report:
    input:
        runs=expand(rules.gather.output.report, sample=SAMPLES.index),
        molecules=expand(rules.gather.output.molecules, sample=SAMPLES.index),
        evaluations=expand(rules.evaluate.output.json, sample=WITH_TRUTH),
    output:
        results("report.html"),
    log:
        results("logs/report.log"),
    benchmark:
        results("benchmarks/report.tsv")
    resources:
        mem_mb=1000,
        runtime=30,
    conda:
        "../envs/deepconsensus-py.yaml"
    shell:
        "deepconsensus-py report {input.runs:q} {input.evaluations:q} -o {output:q} 2> {log:q}"
