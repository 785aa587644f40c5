# An interpolation network learnt from frames of one's own; only recipes with `network:` ask for it.
rule train_interpolator:
    input:
        ask(PLAN.interpolator_shards),
    output:
        weights="results/interpolators/{interpolator}.safetensors",
        course="results/interpolators/{interpolator}.log",
    log:
        "results/logs/interpolators/{interpolator}.log",
    resources:
        mem_mb=4000,
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
    resources:
        mem_mb=1000,
    params:
        upstream=ask(PLAN.inputs_of_frames_made_of),
        settings=ask(PLAN.frames_settings),
        code=ask(PLAN.frames_code),
    shell:
        "cdmer --log {log} frames {input.faces} {output} --settings {params.settings:q}"
        " --code {params.code}"
