# An interpolation network learnt from frames of one's own; only recipes with `network:` ask for it.
rule train_interpolator:
    input:
        ask(PLAN.interpolator_shards),
    output:
        weights="results/interpolators/{interpolator}.safetensors",
        course="results/interpolators/{interpolator}.log",
    log:
        "results/logs/interpolators/{interpolator}.log",
    benchmark:
        "results/benchmarks/interpolators/{interpolator}.tsv"
    priority: 2
    resources:
        mem_mb=growing(4500),
        runtime=growing(720),
    params:
        upstream=ask(PLAN.interpolator_made_of),
        settings=ask(PLAN.interpolator_settings),
        checkpoint=ask(PLAN.interpolator_checkpoint),
        code=ask(PLAN.interpolator_code),
    shell:
        "cdmer --log {log} train-interpolator {output.weights} {input} --checkpoint {params.checkpoint}"
        " --settings {params.settings:q} --code {params.code}"


rule interpolate_frames:
    input:
        faces=ask(PLAN.faces_of_frames),
        network=ask(PLAN.network),
    output:
        "results/frames/{recipe}/{database}/{subject}.h5",
    log:
        "results/logs/frames/{recipe}/{database}/{subject}.log",
    benchmark:
        "results/benchmarks/frames/{recipe}/{database}/{subject}.tsv"
    priority: 2
    resources:
        mem_mb=growing(1500),
        runtime=growing(60),
    params:
        upstream=ask(PLAN.inputs_of_frames_made_of),
        settings=ask(PLAN.frames_settings),
        code=ask(PLAN.frames_code),
    shell:
        "cdmer --log {log} frames {input.faces} {output} {input.network} --settings {params.settings:q}"
        " --code {params.code}"


# What a recipe's models will see, for a person to look at: snakemake results/frames/RECIPE/contact_sheet.png
rule show_frames:
    input:
        ask(PLAN.frames_to_show),
    output:
        report(
            "results/frames/{recipe}/contact_sheet.png",
            caption="../workflow/report/crops.rst",
            category="Pictures",
        ),
    log:
        "results/logs/frames/{recipe}/contact_sheet.log",
    benchmark:
        "results/benchmarks/frames/{recipe}/contact_sheet.tsv"
    resources:
        mem_mb=growing(1500),
        runtime=growing(10),
    params:
        code=code_digest("cdmer.frames.contact_sheet"),
    shell:
        "cdmer --log {log} show-frames {wildcards.recipe} {input} --output {output} --code {params.code}"
