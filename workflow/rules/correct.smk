rule correct:
    input:
        rules.encode.output,
    output:
        bam=temp(results("{sample}/chunks/{scatteritem}.polished.bam")),
        report=temp(results("{sample}/chunks/{scatteritem}.polished.report.json")),
        molecules=temp(results("{sample}/chunks/{scatteritem}.polished.zmws.tsv.gz")),
        metrics=temp(results("{sample}/chunks/{scatteritem}.polished.zmw_metrics.json.gz")),
        others=temp(multiext(results("{sample}/chunks/{scatteritem}.polished"), *FOR_OTHERS)),
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
    # --resume: continue a job that was killed. Exit status 3: everything was written, but some ZMWs could not be
    # processed; they are listed in the report.
    shell:
        "deepconsensus-py polish --features {input:q} -o {output.bam:q} --resume"
        " {params.model} {params.device} --threads {threads} {params.options} 2> {log:q}"
        " || [ $? -eq 3 ]"
