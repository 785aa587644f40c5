rule interpolate_frames:
    input:
        faces_of_frames,
    output:
        "results/frames/{recipe}/{database}/{subject}.h5",
    log:
        "results/logs/frames/{recipe}/{database}/{subject}.log",
    params:
        settings=frames_settings,
        code=code_digest("cdmer.frames.job"),
    resources:
        mem_mb=1000,
    shell:
        "cdmer --log {log} frames {input} {output} --settings {params.settings:q}"
        " --code {params.code}"
