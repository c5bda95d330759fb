# For BAM files that have no index beside them.
rule index:
    input:
        bam=lambda wildcards: SAMPLES[wildcards.sample][wildcards.column][int(wildcards.number) - 1],
        checked=ancient(rules.check.output),
    output:
        results("{sample}/index/{column}.{number}.bam.pbi"),
    log:
        results("{sample}/logs/index.{column}.{number}.log"),
    benchmark:
        results("{sample}/benchmarks/index.{column}.{number}.tsv")
    wildcard_constraints:
        column="|".join(FILES),
        number=r"\d+",
    resources:
        mem_mb=memory(700),
        runtime=minutes(10, seconds_per_mb=0.1),
    conda:
        "../envs/deepconsensus-py.yaml"
    # The index is written beside a link, since input folders may be read-only.
    shell:
        "(ln -sfn \"$(realpath {input.bam:q})\" {output:q}.of.bam && deepconsensus-py index {output:q}.of.bam"
        " && mv {output:q}.of.bam.pbi {output:q} && rm {output:q}.of.bam) 2> {log:q}"
