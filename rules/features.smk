rule compute_features:
    input:
        ask(PLAN.frames_of_feature),
    output:
        "results/features/{feature}/{database}/{subject}.h5",
    log:
        "results/logs/features/{feature}/{database}/{subject}.log",
    benchmark:
        "results/benchmarks/features/{feature}/{database}/{subject}.tsv"
    priority: 2
    resources:
        mem_mb=growing(1500),
        runtime=growing(60),
    params:
        upstream=ask(PLAN.frames_made_of),
        settings=ask(PLAN.feature_settings),
        code=ask(PLAN.feature_code),
    shell:
        "cdmer --log {log} features compute {input} {output} --settings {params.settings:q}"
        " --code {params.code}"


# A released file is one more part of a store, in place of the subjects' parts.
rule import_released:
    input:
        ask(PLAN.released_file),
    output:
        "results/features/{feature}/{database}.released.h5",
    log:
        "results/logs/features/{feature}/{database}.released.log",
    benchmark:
        "results/benchmarks/features/{feature}/{database}.released.tsv"
    priority: 2
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        settings=ask(PLAN.import_settings),
        code=code_digest("cdmer.store.released", "cdmer.store.released_flow"),
    shell:
        "cdmer --log {log} features import {input:q} {output} --settings {params.settings:q}"
        " --code {params.code}"


rule merge_features:
    input:
        shards=ask(PLAN.shards),
        manifest=ask(PLAN.manifest),
    output:
        store="results/features/{feature}/{database}.h5",
        exclusions="results/features/{feature}/{database}.exclusions.csv",
    log:
        "results/logs/features/{feature}/{database}.log",
    benchmark:
        "results/benchmarks/features/{feature}/{database}.tsv"
    priority: 2
    resources:
        mem_mb=growing(1500),
        runtime=growing(10),
    params:
        upstream=ask(PLAN.parts_made_of),
        on_missing_face=ask(PLAN.missing_faces),
        compression=PLAN.config.store.compression,
        code=code_digest("cdmer.store.feature_store", "cdmer.store.exclusions"),
    shell:
        "cdmer --log {log} features merge {input.shards} --output {output.store}"
        " --exclusions {output.exclusions} --on-missing-face {params.on_missing_face}"
        " --manifest={input.manifest} --compression {params.compression} --code {params.code}"
