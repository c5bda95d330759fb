# What attention systems claim, a job for each row:  snakemake --snakefile workflow/claims.smk --cores 2

import os

FOLDER = config.get("claims", "claims")
ROWS = [
    "aaconv",
    "bot",
    "cls",
    "coca",
    "deepconsensus",
    "dt",
    "graph",
    "halo",
    "image",
    "inductive",
    "mesh",
    "misnomer",
    "music",
    "pretrain",
    "realm",
    "routing",
    "sasa",
    "shape",
    "shaw",
    "survey",
    "transformer",
    "unified",
    "vit",
]


rule page:
    input:
        expand(f"{FOLDER}/{{row}}.json", row=ROWS),
    output:
        f"{FOLDER}.md",
    log:
        f"{FOLDER}/logs/page.log",
    params:
        folder=lambda wildcards, output: output[0].removesuffix(".md"),
    conda:
        "envs/deepconsensus-py.yaml"
    shell:
        "deepconsensus-py claims -o {params.folder:q} 2> {log:q}"


rule claim:
    output:
        f"{FOLDER}/{{row}}.json",
    log:
        f"{FOLDER}/logs/{{row}}.log",
    benchmark:
        f"{FOLDER}/benchmarks/{{row}}.tsv"
    wildcard_constraints:
        row="|".join(ROWS),
    params:
        folder=lambda wildcards, output: os.path.dirname(output[0]),
    threads: 1
    resources:
        mem_mb=6000,
        runtime=60,
    conda:
        "envs/deepconsensus-py.yaml"
    shell:
        "OMP_NUM_THREADS={threads} deepconsensus-py claims --only {wildcards.row} -o {params.folder:q} 2> {log:q}"
