rule report:
    input:
        report=rules.gather.output.report,
        molecules=rules.gather.output.molecules,
        evaluation=lambda w: results("{sample}/evaluation.json") if has_truth(w.sample) else [],
    output:
        results("{sample}/report.html"),
    log:
        results("{sample}/logs/report.log"),
    benchmark:
        results("{sample}/benchmarks/report.tsv")
    resources:
        mem_mb=1000,
        runtime=30,
    conda:
        "../envs/deepconsensus-py.yaml"
    shell:
        "deepconsensus-py report {input.report:q} -o {output:q} 2> {log:q}"
