rule report:
    input:
        runs=expand(rules.gather.output.report, sample=SAMPLES),
        molecules=expand(rules.gather.output.molecules, sample=SAMPLES),
        evaluations=expand(rules.evaluate.output.json, sample=WITH_TRUTH),
    output:
        report(results("report.html"), caption="../report/report.rst", category="Polishing"),
    log:
        results("logs/report.log"),
    benchmark:
        results("benchmarks/report.tsv")
    resources:
        mem_mb=memory(1000),
        runtime=minutes(30),
    conda:
        "../envs/deepconsensus-py.yaml"
    shell:
        "deepconsensus-py report {input.runs:q} {input.evaluations:q} -o {output:q} 2> {log:q}"
