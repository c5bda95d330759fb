rule gather:
    input:
        bams=gather.polish(results("{{sample}}/chunks/{scatteritem}.polished.bam")),
        reports=gather.polish(results("{{sample}}/chunks/{scatteritem}.polished.report.json")),
        molecules=gather.polish(results("{{sample}}/chunks/{scatteritem}.polished.zmws.tsv.gz")),
        metrics=gather.polish(results("{{sample}}/chunks/{scatteritem}.polished.zmw_metrics.json.gz")),
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
    resources:
        mem_mb=1000,
        runtime=60,
    conda:
        "../envs/deepconsensus-py.yaml"
    shell:
        "deepconsensus-py gather {input.bams:q} -o {output.bam:q} 2> {log:q}"
