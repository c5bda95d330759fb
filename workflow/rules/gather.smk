rule gather:
    input:
        bams=chunks(results("{sample}/chunks/{scatteritem}.bam")),
        reports=chunks(results("{sample}/chunks/{scatteritem}.report.json")),
        molecules=chunks(results("{sample}/chunks/{scatteritem}.zmws.tsv.gz")),
        metrics=chunks(results("{sample}/chunks/{scatteritem}.zmw_metrics.json.gz")),
        order=order,
    output:
        bam=results("{sample}/{sample}.bam"),
        report=results("{sample}/{sample}.report.json"),
        molecules=results("{sample}/{sample}.zmws.tsv.gz"),
        metrics=results("{sample}/{sample}.zmw_metrics.json.gz"),
        others=multiext(results("{sample}/{sample}"), *FOR_OTHERS),
    log:
        results("{sample}/logs/gather.log"),
    benchmark:
        results("{sample}/benchmarks/gather.tsv")
    params:
        order=lambda wildcards, input: [word for path in input.order for word in ("--order", path)],
    resources:
        mem_mb=memory(1000),
        runtime=minutes(20, seconds_per_mb=0.1),
    conda:
        "../envs/deepconsensus-py.yaml"
    shell:
        "deepconsensus-py gather {input.bams:q} {params.order:q} -o {output.bam:q} 2> {log:q}"
