rule align_faces:
    input:
        "results/databases/{database}/subjects/{subject}.csv",
    output:
        "results/faces/{recipe}/{database}/{subject}.h5",
    log:
        "results/logs/faces/{recipe}/{database}/{subject}.log",
    benchmark:
        "results/benchmarks/faces/{recipe}/{database}/{subject}.tsv"
    priority: 2
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
        # what to do about a clip without a face changes no crop: as a resource it makes no finished job stale
        on_missing_face=ask(PLAN.on_missing_face),
    params:
        settings=ask(PLAN.faces_settings),
        clips=ask(PLAN.clips_digest),
        code=ask(PLAN.faces_code),
    shell:
        "cdmer --log {log} faces {input} {output} --settings {params.settings:q}"
        " --on-missing-face {resources.on_missing_face} --clips {params.clips} --code {params.code}"


# What a recipe's models will see, for a person to look at: snakemake results/faces/RECIPE/contact_sheet.png
rule show_faces:
    input:
        ask(PLAN.faces_to_show),
    output:
        report(
            "results/faces/{recipe}/contact_sheet.png",
            caption="../workflow/report/crops.rst",
            category="Pictures",
        ),
    log:
        "results/logs/faces/{recipe}/contact_sheet.log",
    benchmark:
        "results/benchmarks/faces/{recipe}/contact_sheet.tsv"
    resources:
        mem_mb=growing(1500),
        runtime=growing(10),
    params:
        code=code_digest("cdmer.faces.contact_sheet"),
    shell:
        "cdmer --log {log} show-faces {wildcards.recipe} {input} --output {output} --code {params.code}"
