rule align_faces:
    input:
        "results/databases/{database}/subjects/{subject}.csv",
    output:
        "results/faces/{recipe}/{database}/{subject}.h5",
    log:
        "results/logs/faces/{recipe}/{database}/{subject}.log",
    resources:
        mem_mb=2000,
    params:
        settings=faces_settings,
        clips=clips_digest,
        code=code_digest("cdmer.faces.job"),
    shell:
        "cdmer --log {log} faces {input} {output} --settings {params.settings:q}"
        " --clips {params.clips} --code {params.code}"
