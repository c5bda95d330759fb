# A misspelt model or option ends the run here, before anything is submitted.
rule check:
    input:
        model=model_file,
    output:
        touch(results("logs/checked")),
    log:
        results("logs/check.log"),
    benchmark:
        results("benchmarks/check.tsv")
    params:
        commands=checked_commands,
    localrule: True
    resources:
        mem_mb=memory(1000),
        runtime=minutes(10),
    conda:
        "../envs/deepconsensus-py.yaml"
    shell:
        "({params.commands}) 2> {log:q} || {{ cat {log:q} >&2; exit 1; }}"
