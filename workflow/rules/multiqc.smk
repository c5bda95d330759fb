# Where the configuration says multiqc: true.
rule multiqc:
    input:
        expand(rules.gather.output.others, sample=SAMPLES),
    output:
        report(results("multiqc.html"), caption="../report/multiqc.rst", category="Polishing"),
    log:
        results("logs/multiqc.log"),
    benchmark:
        results("benchmarks/multiqc.tsv")
    params:
        folder=lambda wildcards, output: Path(output[0]).parent,
        name=lambda wildcards, output: Path(output[0]).name,
    resources:
        mem_mb=memory(2000),
        runtime=minutes(30),
    conda:
        "../envs/multiqc.yaml"
    # The image of the others does not have it.
    container:
        None
    shell:
        "multiqc {input:q} --outdir {params.folder:q} --filename {params.name:q} --no-data-dir --force 2> {log:q}"
