rule polish:
    input:
        unpack(polished_from),
        model=model_file,
        checked=ancient(rules.check.output),
    output:
        bam=temp(results("{sample}/chunks/{scatteritem}.bam")),
        report=temp(results("{sample}/chunks/{scatteritem}.report.json")),
        molecules=temp(results("{sample}/chunks/{scatteritem}.zmws.tsv.gz")),
        metrics=temp(results("{sample}/chunks/{scatteritem}.zmw_metrics.json.gz")),
        others=temp(multiext(results("{sample}/chunks/{scatteritem}"), *FOR_OTHERS)),
    log:
        results("{sample}/logs/polish.{scatteritem}.log"),
    benchmark:
        results("{sample}/benchmarks/polish.{scatteritem}.tsv")
    wildcard_constraints:
        sample=one_of(POLISHED),
    params:
        source=polish_source,
        links=polish_links,
        options=polish_options,
    threads: 4
    resources:
        mem_mb=memory(700, per_thread=300),
        runtime=minutes(20, seconds_per_mb=15),
        gpu=0 if config.get("device", "cpu") == "cpu" else 1,
    conda:
        "../envs/deepconsensus-py.yaml"
    # --resume: continue a job that was killed. Exit status 3: everything was written, but some ZMWs could not be
    # processed; they are listed in the report.
    shell:
        f"({LINK_INPUTS}"
        "deepconsensus-py polish {params.source:q} -o {output.bam:q} --resume {params.options:q} --threads {threads}"
        " || [ $? -eq 3 ]) 2> {log:q} && rm -rf {output.bam:q}.inputs"
