# HiFi reads by each other.
rule correct:
    input:
        hifi=sheet("hifi"),
        paf=overlaps,
        checked=ancient(rules.check.output),
    output:
        bam=temp(results("{sample}/chunks/{scatteritem}.bam")),
        report=temp(results("{sample}/chunks/{scatteritem}.report.json")),
        molecules=temp(results("{sample}/chunks/{scatteritem}.zmws.tsv.gz")),
        metrics=temp(results("{sample}/chunks/{scatteritem}.zmw_metrics.json.gz")),
        others=temp(multiext(results("{sample}/chunks/{scatteritem}"), *FOR_OTHERS)),
    log:
        results("{sample}/logs/correct.{scatteritem}.log"),
    benchmark:
        results("{sample}/benchmarks/correct.{scatteritem}.tsv")
    wildcard_constraints:
        sample=one_of(CORRECTED),
    params:
        paf=lambda wildcards, input: [word for path in input.paf for word in ("--paf", path)],
        options=correct_options,
    threads: 4
    resources:
        mem_mb=memory(700, per_thread=600),
        runtime=minutes(20, seconds_per_mb=100),
    conda:
        "../envs/deepconsensus-py.yaml"
    # --resume: continue a job that was killed. Exit status 3: everything was written, but some reads are damaged; they
    # are listed in the table of ZMWs.
    shell:
        "(deepconsensus-py correct {input.hifi:q} {params.paf:q} -o {output.bam:q} --resume {params.options:q}"
        " --threads {threads} || [ $? -eq 3 ]) 2> {log:q}"
