rule index:
    input:
        lambda wildcards: SAMPLES.at[wildcards.sample, wildcards.column],
    output:
        bam=results("{sample}/indexed/{column}.bam"),
        pbi=results("{sample}/indexed/{column}.bam.pbi"),
    wildcard_constraints:
        column="subreads|ccs",
    log:
        results("{sample}/logs/index.{column}.log"),
    benchmark:
        results("{sample}/benchmarks/index.{column}.tsv")
    resources:
        mem_mb=2000,
        runtime=240,
    conda:
        "../envs/deepconsensus-py.yaml"
    # An index must be beside its file, and input folders may be read-only.
    shell:
        '(ln -sf "$(realpath {input:q})" {output.bam:q} && deepconsensus-py index {output.bam:q}) 2> {log:q}'
