rule interpolate_frames:
    input:
        ask(PLAN.faces_of_frames),
    output:
        "results/frames/{recipe}/{database}/{subject}.h5",
    log:
        "results/logs/frames/{recipe}/{database}/{subject}.log",
    resources:
        mem_mb=1000,
    params:
        upstream=ask(PLAN.faces_made_of),
        settings=ask(PLAN.frames_settings),
        code=ask(PLAN.frames_code),
    shell:
        "cdmer --log {log} frames {input} {output} --settings {params.settings:q}"
        " --code {params.code}"
