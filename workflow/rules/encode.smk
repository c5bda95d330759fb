# Only where the network runs on a GPU: encoding needs none.
rule encode:
    input:
        unpack(reads),
        model=model_file,
        checked=ancient(rules.check.output),
    output:
        temp(results("{sample}/chunks/{scatteritem}.shard")),
    log:
        results("{sample}/logs/encode.{scatteritem}.log"),
    benchmark:
        results("{sample}/benchmarks/encode.{scatteritem}.tsv")
    params:
        reads=lambda wildcards, input, output: from_reads(linked(input, f"{output[0]}.inputs")[0]),
        links=lambda wildcards, input, output: linked(input, f"{output[0]}.inputs")[1],
        options=encode_options,
    threads: 4
    resources:
        mem_mb=memory(700, per_thread=300),
        runtime=minutes(20, seconds_per_mb=15),
    conda:
        "../envs/deepconsensus-py.yaml"
    shell:
        f"({LINK_INPUTS}"
        "deepconsensus-py encode {params.reads:q} -o {output:q} {params.options:q} --threads {threads}"
        ") 2> {log:q} && rm -rf {output:q}.inputs"
