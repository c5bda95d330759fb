rule encode:
    input:
        subreads=rules.align.output,
        ccs=indexed("ccs"),
    output:
        temp(results("{sample}/chunks/{scatteritem}.shard")),
    log:
        results("{sample}/logs/encode.{scatteritem}.log"),
    benchmark:
        results("{sample}/benchmarks/encode.{scatteritem}.tsv")
    params:
        chunk=chunk,
        model=given("model"),
        options=config["encode_options"],
    threads: 2
    resources:
        mem_mb=4000,
        runtime=240,
    conda:
        "../envs/deepconsensus-py.yaml"
    shell:
        "deepconsensus-py encode {input.subreads:q} --ccs {input.ccs[0]:q} -o {output:q}"
        " {params.model} --chunk {params.chunk} --threads {threads} {params.options} 2> {log:q}"
