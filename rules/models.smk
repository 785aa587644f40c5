rule train_model:
    input:
        ask(PLAN.stores_of),
    output:
        predictions="results/models/cdmer/{experiment}/{model}/predictions.csv",
        metrics="results/models/cdmer/{experiment}/{model}/metrics.json",
        grid="results/models/cdmer/{experiment}/{model}/grid.csv",
    log:
        "results/models/cdmer/{experiment}/{model}/log.txt",
    benchmark:
        "results/benchmarks/models/cdmer/{experiment}/{model}.tsv"
    resources:
        mem_mb=1500,
    params:
        upstream=ask(PLAN.stores_made_of),
        settings=ask(PLAN.training_settings),
        code=ask(PLAN.model_code),
    shell:
        "cdmer --log {log} models {input} {output.predictions}"
        " {output.metrics} {output.grid} --settings {params.settings:q} --code {params.code}"


# Leave one subject out: all folds of a task in one job.
rule train_folds:
    input:
        stores=ask(PLAN.stores_of),
        manifests=ask(PLAN.manifests_of),
    output:
        predictions="results/models/{protocol}/{experiment}/{model}/predictions.csv",
        metrics="results/models/{protocol}/{experiment}/{model}/metrics.json",
    log:
        "results/models/{protocol}/{experiment}/{model}/log.txt",
    benchmark:
        "results/benchmarks/models/{protocol}/{experiment}/{model}.tsv"
    resources:
        mem_mb=1500,
    params:
        upstream=ask(PLAN.stores_made_of),
        settings=ask(PLAN.training_settings),
        code=ask(PLAN.model_code),
    shell:
        "cdmer --log {log} folds {output} {input.stores} {input.manifests}"
        " --settings {params.settings:q} --code {params.code}"
