rule align:
    input:
        subreads=indexed("subreads"),
        ccs=indexed("ccs"),
    output:
        temp(results("{sample}/chunks/{scatteritem}.aligned.bam")),
    log:
        results("{sample}/logs/align.{scatteritem}.log"),
    benchmark:
        results("{sample}/benchmarks/align.{scatteritem}.tsv")
    params:
        chunk=chunk,
    threads: 2
    resources:
        mem_mb=4000,
        runtime=240,
    conda:
        "../envs/deepconsensus-py.yaml"
    # Exit status 3: everything was written, but some ZMWs have no aligned pass; correct reports them.
    shell:
        "deepconsensus-py align {input.subreads[0]:q} --ccs {input.ccs[0]:q} -o {output:q}"
        " --chunk {params.chunk} --threads {threads} 2> {log:q}"
        " || [ $? -eq 3 ]"
