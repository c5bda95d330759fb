# Options of the commands: those of the configuration and those of a sample.

SET_BY_WORKFLOW = {
    **dict.fromkeys(("-m", "--model"), "'model' of the configuration"),
    "--device": "'device' of the configuration",
    **dict.fromkeys(("--kinetics", "--by-strand"), "a column of the sample sheet"),
    **dict.fromkeys(("-t", "--threads"), "--set-threads polish=N of Snakemake"),
    "--chunk": "'zmws_per_chunk' of the configuration",
    **dict.fromkeys(("-o", "--output", "--ccs", "--features", "--resume", "--dry-run", "--log-file"), ""),
    **dict.fromkeys(("--limit", "--failed", "--xml"), ""),
}
"""Options of polish that cannot be in 'options', with what is set instead."""

SET_FOR_CORRECT = {
    **dict.fromkeys(("-t", "--threads"), "--set-threads correct=N of Snakemake"),
    "--aligned": "a column of the sample sheet",
    "--chunk": "'zmws_per_chunk' of the configuration",
    **dict.fromkeys(("-o", "--output", "--paf", "--resume", "--dry-run", "--log-file"), ""),
}
"""Options of correct that cannot be in 'correct_options'."""

OF_ENCODE = {"--min-snr", "--top-passes", "--min-passes", "--max-length", "--min-tandem-repeat-length"}
OF_BOTH = {"--min-length", "--all", "--ins-trim"}
NEED_SUBREADS = {"--hd-finder", "--triage"}
"""Options that decide which ZMWs and passes are encoded; the last ones do not go with feature shards."""


def split_options(key="options", command="polish", taken=SET_BY_WORKFLOW):
    """Words of options in the configuration, each option with its values.

    key: of the configuration.
    command: whose options they are.
    taken: those that cannot be used, with what is set instead.
    """
    text = config.get(key, "")
    try:
        words = shlex.split(text)
    except ValueError as fault:
        raise WorkflowError(f"{key}: {text!r} cannot be split into words ({fault})") from None
    found = []
    for word in words:
        if word.startswith("-"):
            found.append(word.split("=", 1))
        elif found:
            found[-1].append(word)
        else:
            raise WorkflowError(f"{key}: {word!r} is not an option of {command}")
    for flag, *_ in found:
        # -t4 is -t 4.
        name = flag if flag.startswith("--") else flag[:2]
        if name in taken:
            instead = taken[name]
            raise WorkflowError(
                f"{key}: {name} cannot be used in the workflow" + (f"; set {instead}" if instead else "")
            )
    return found


OPTIONS = split_options()
CORRECT_OPTIONS = [word for option in split_options("correct_options", "correct", SET_FOR_CORRECT) for word in option]


USED = {
    **dict.fromkeys(("model", "device", "options"), (POLISHED, "subreads")),
    "correct_options": (CORRECTED, "hifi"),
}
"""Keys of the configuration that only some samples use: which, and what they have in the sample sheet."""


def refuse_unused():
    """Refuse keys of the configuration that no sample uses."""
    for key, (samples, column) in USED.items():
        if config.get(key) and not samples:
            raise WorkflowError(
                f"{key}: no sample of {config['samples']} has anything in column {column!r}, which it is for;"
                f" remove {key}"
            )


refuse_unused()


def chosen(keep):
    """Words of the options whose names are kept."""
    return [word for option in OPTIONS if keep(option[0]) for word in option]


def model():
    """The option that names the model."""
    return ["--model", config["model"]] if "model" in config else []


def model_file(wildcards):
    """The model's file as an input, if it is one."""
    name = config.get("model", "")
    return [name] if name.endswith(".safetensors") else []


def given_model(input):
    """The option that names the model, whose file may have been fetched from elsewhere."""
    return ["--model", *input.model] if input.model else model()


def device():
    """The option that names the device."""
    return ["--device", config["device"]] if "device" in config else []


def of_sample(sample):
    """Options of polish that the sample sheet sets."""
    kinetics, by_strand = (SAMPLES[sample][name] for name in ("kinetics", "by_strand"))
    return [*(["--kinetics", kinetics] if kinetics else []), *(["--by-strand"] if by_strand == "true" else [])]


def encoded_apart(sample):
    """Whether a sample's ZMWs are encoded by jobs of their own, on nodes without a GPU."""
    on_gpu = config.get("device", "cpu").startswith("cuda")
    from_subreads = SAMPLES[sample]["by_strand"] == "true" or SAMPLES[sample]["kinetics"] == "on"
    return on_gpu and not from_subreads and not any(flag in NEED_SUBREADS for flag, *_ in OPTIONS)


def polish_options(wildcards, input):
    """Options of polish for a chunk."""
    shared = [*given_model(input), *device(), *of_sample(wildcards.sample)]
    if encoded_apart(wildcards.sample):
        return [*shared, *chosen(lambda flag: flag not in OF_ENCODE)]
    return [*shared, *chosen(lambda flag: True), "--chunk", chunk(wildcards)]


def encode_options(wildcards, input):
    """Options of encode for a chunk."""
    return [*given_model(input), *chosen(lambda flag: flag in OF_ENCODE | OF_BOTH), "--chunk", chunk(wildcards)]


def correct_options(wildcards):
    """Options of correct for a chunk."""
    return [*aligned(wildcards), *CORRECT_OPTIONS, "--chunk", chunk(wildcards)]


def checked_commands(wildcards, input):
    """Commands that check the options of each kind of sample, as the workflow will give them."""
    kinds = {shlex.join(of_sample(sample)): sample for sample in POLISHED}
    shared = [*given_model(input), *device(), *chosen(lambda flag: True)]
    words = [["polish", *shared, *of_sample(sample)] for sample in kinds.values()]
    words += [["correct", *CORRECT_OPTIONS]] * bool(CORRECTED)
    return " && ".join(f"deepconsensus-py {shlex.join([*each, '--dry-run', '-o', 'polished.bam'])}" for each in words)
