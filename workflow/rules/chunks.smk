# The number of chunks of a sample: that of --set-scatter, or so many that each has zmws_per_chunk ZMWs or HiFi reads.
checkpoint count:
    input:
        unpack(counted_from),
        checked=ancient(rules.check.output),
    output:
        results("{sample}/zmws.txt"),
    log:
        results("{sample}/logs/count.log"),
    benchmark:
        results("{sample}/benchmarks/count.tsv")
    params:
        command=lambda wildcards, input, output: counted(wildcards, input, output)[0],
        links=lambda wildcards, input, output: counted(wildcards, input, output)[1],
    resources:
        mem_mb=memory(700),
        runtime=minutes(10, seconds_per_mb=0.1),
    conda:
        "../envs/deepconsensus-py.yaml"
    shell:
        f"({LINK_INPUTS}"
        "deepconsensus-py {params.command:q} -o polished.bam --dry-run > {output:q}) 2> {log:q}"
        " && rm -rf {output:q}.inputs"


def chunks(pattern):
    """A file of every chunk of a sample, as an input function."""

    def files(wildcards):
        fixed = len(scatter.polish("{scatteritem}"))
        if fixed:
            return scatter.polish(pattern, sample=wildcards.sample)
        with checkpoints.count.get(sample=wildcards.sample).output[0].open() as counted:
            number = max(1, math.ceil(int(counted.read()) / config["zmws_per_chunk"]))
        items = [f"{part}-of-{number}" for part in range(1, number + 1)]
        return expand(pattern, sample=wildcards.sample, scatteritem=items)

    return files
