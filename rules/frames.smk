rule interpolate_frames:
    input:
        faces_of_frames,
    output:
        "results/frames/{recipe}/{database}/{subject}.h5",
    log:
        "results/logs/frames/{recipe}/{database}/{subject}.log",
    resources:
        mem_mb=1000,
    params:
        upstream=faces_made_of,
        settings=frames_settings,
        code=frames_code,
    shell:
        "cdmer --log {log} frames {input} {output} --settings {params.settings:q}"
        " --code {params.code}"
