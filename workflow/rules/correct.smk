rule correct:
    input:
        rules.encode.output,
    output:
        bam=temp(results("{sample}/chunks/{scatteritem}.polished.bam")),
        report=temp(results("{sample}/chunks/{scatteritem}.polished.report.json")),
        molecules=temp(results("{sample}/chunks/{scatteritem}.polished.zmws.tsv.gz")),
    log:
        results("{sample}/logs/correct.{scatteritem}.log"),
    benchmark:
        results("{sample}/benchmarks/correct.{scatteritem}.tsv")
    params:
        model=given("model"),
        device=given("device"),
        options=config["options"],
    threads: 2
    resources:
        mem_mb=8000,
        runtime=480,
        gpu=0 if config.get("device", "cpu") == "cpu" else 1,
    conda:
        "../envs/deepconsensus-py.yaml"
    # --resume: a job that was killed has left what it had done. Exit status 3: all is written, and some molecules could
    # not be processed; the report names them.
    shell:
        "deepconsensus-py polish --features {input:q} -o {output.bam:q} --resume"
        " {params.model} {params.device} --threads {threads} {params.options} 2> {log:q}"
        " || [ $? -eq 3 ]"
