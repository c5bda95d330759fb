# The claims of attention systems, a job for each:  snakemake --snakefile workflow/claims.smk --cores 2

import os

FOLDER = config.get("claims", "claims")


def results(wildcards):
    """The result of every claim that the command lists."""
    with open(checkpoints.list_claims.get().output[0]) as listed:
        return [f"{FOLDER}/{line.split()[0]}.json" for line in listed]


rule page:
    input:
        results,
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


checkpoint list_claims:
    output:
        f"{FOLDER}/logs/claims.tsv",
    log:
        f"{FOLDER}/logs/list.log",
    conda:
        "envs/deepconsensus-py.yaml"
    shell:
        "deepconsensus-py claims --list > {output:q} 2> {log:q}"


rule claim:
    output:
        f"{FOLDER}/{{id}}.json",
    log:
        f"{FOLDER}/logs/{{id}}.log",
    benchmark:
        f"{FOLDER}/benchmarks/{{id}}.tsv"
    wildcard_constraints:
        id="[a-z]+",
    params:
        folder=lambda wildcards, output: os.path.dirname(output[0]),
    threads: 1
    resources:
        mem_mb=6000,
        runtime=60,
    conda:
        "envs/deepconsensus-py.yaml"
    shell:
        "OMP_NUM_THREADS={threads} deepconsensus-py claims --only {wildcards.id} -o {params.folder:q} 2> {log:q}"
