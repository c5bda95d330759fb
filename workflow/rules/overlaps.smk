# For HiFi reads that are not aligned.
rule overlaps:
    input:
        hifi=sheet("hifi"),
        checked=ancient(rules.check.output),
    output:
        temp(results("{sample}/chunks/{scatteritem}.paf.gz")),
    log:
        results("{sample}/logs/overlaps.{scatteritem}.log"),
    benchmark:
        results("{sample}/benchmarks/overlaps.{scatteritem}.tsv")
    params:
        chunk=chunk,
    threads: 4
    resources:
        mem_mb=memory(2000, per_thread=100),
        runtime=minutes(20, seconds_per_mb=15),
    conda:
        "../envs/deepconsensus-py.yaml"
    shell:
        "deepconsensus-py overlaps {input.hifi:q} --chunk {params.chunk} -o {output:q} --threads {threads} 2> {log:q}"
