rule annotate_cohort:
    output:
        "results/databases/{database}/synthetic/{sheet}.xlsx",
    log:
        "results/logs/databases/{database}/annotate-{sheet}.log",
    benchmark:
        "results/benchmarks/databases/{database}/annotate-{sheet}.tsv"
    priority: 2
    resources:
        mem_mb=growing(700),
        runtime=growing(5),
    params:
        settings=ask(PLAN.cohort_settings),
        code=code_digest("cdmer.databases.cohort.annotation"),
    shell:
        "cdmer --log {log} databases annotate {wildcards.database} {output}"
        " --settings {params.settings:q} --code {params.code}"


rule render_subject:
    output:
        truth="results/databases/{database}/synthetic/truth/{subject}.h5",
    log:
        "results/logs/databases/{database}/render-{subject}.log",
    benchmark:
        "results/benchmarks/databases/{database}/render-{subject}.tsv"
    priority: 2
    resources:
        mem_mb=growing(1500),
        runtime=growing(30),
    params:
        settings=ask(PLAN.cohort_settings),
        # frames lie on the disk as those of a real database do; what is declared of them is their truth, written last
        folder="results/databases/{database}/synthetic",
        planned=ask(PLAN.clips_digest),
        code=code_digest("cdmer.databases.cohort.render"),
    shell:
        "cdmer --log {log} databases render {wildcards.database} {wildcards.subject}"
        " {params.folder} {output.truth} --settings {params.settings:q}"
        " --clips {params.planned} --code {params.code}"


rule read_subject:
    input:
        rendered=ask(PLAN.rendered),
        annotation=ask(PLAN.rendered_annotation),
    output:
        "results/databases/{database}/subjects/{subject}.csv",
    log:
        "results/logs/databases/{database}/read-{subject}.log",
    benchmark:
        "results/benchmarks/databases/{database}/read-{subject}.tsv"
    priority: 2
    resources:
        mem_mb=growing(700),
        runtime=growing(5),
    params:
        settings=ask(PLAN.reader_settings),
        # read in place, as are the recordings that the manifest lists: `clips` stands for what lies there
        root=ask(PLAN.root),
        clips=ask(PLAN.clips_digest),
        code=ask(PLAN.reader_code),
    shell:
        "cdmer --log {log} databases read {wildcards.subject} {output} {input.annotation}"
        " --root {params.root:q} --settings {params.settings:q} --clips {params.clips} --code {params.code}"


rule join_manifest:
    input:
        ask(PLAN.slices),
    output:
        "results/databases/{database}/manifest.csv",
    log:
        "results/logs/databases/{database}/join.log",
    benchmark:
        "results/benchmarks/databases/{database}/join.tsv"
    priority: 2
    resources:
        mem_mb=growing(700),
        runtime=growing(5),
    params:
        code=code_digest("cdmer.databases.manifest"),
    shell:
        "cdmer --log {log} databases join {input} --output {output} --code {params.code}"
