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
    wildcard_constraints:
        model=models_on_vectors(),
    resources:
        mem_mb=growing(ask(PLAN.memory)),
        runtime=growing(ask(PLAN.minutes)),
    params:
        upstream=ask(PLAN.stores_made_of),
        settings=ask(PLAN.training_settings),
        code=ask(PLAN.model_code),
    shell:
        "cdmer --log {log} models {input} {output.predictions}"
        " {output.metrics} {output.grid} --settings {params.settings:q} --code {params.code}"


# TYPE-I with nobody on both sides: once more without each person whom two subsets of SMIC share, all experiments of a
# model in one job, for each takes but seconds.
rule train_disjoint:
    input:
        ask(PLAN.disjoint_inputs),
    output:
        predictions="results/models/disjoint/{model}/predictions.csv",
        controls="results/models/disjoint/{model}/controls.csv",
    log:
        "results/models/disjoint/{model}/log.txt",
    benchmark:
        "results/benchmarks/models/disjoint/{model}.tsv"
    wildcard_constraints:
        model=models_on_vectors(),
    resources:
        mem_mb=growing(ask(PLAN.memory)),
        runtime=growing(ask(PLAN.minutes)),
    params:
        upstream=ask(PLAN.disjoint_made_of),
        settings=ask(PLAN.disjoint_settings),
        code=ask(PLAN.disjoint_code),
    shell:
        "cdmer --log {log} disjoint {output.predictions} {output.controls} {input}"
        " --settings {params.settings:q} --code {params.code}"


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
    wildcard_constraints:
        protocol="cde|single",
        model=models_on_vectors(),
    resources:
        mem_mb=growing(ask(PLAN.memory)),
        runtime=growing(ask(PLAN.minutes)),
    params:
        upstream=ask(PLAN.stores_made_of),
        settings=ask(PLAN.training_settings),
        code=ask(PLAN.model_code),
    shell:
        "cdmer --log {log} folds {output}"
        ' --stores "{input.stores}" --manifests "{input.manifests}"'
        " --settings {params.settings:q} --code {params.code}"


# A whole database is left out, whose clips the model may adapt to without their labels.
rule train_databases_out:
    input:
        stores=ask(PLAN.stores_of),
        manifests=ask(PLAN.manifests_of),
    output:
        predictions="results/models/{protocol}/{experiment}/{model}/predictions.csv",
        metrics="results/models/{protocol}/{experiment}/{model}/metrics.json",
        grid="results/models/{protocol}/{experiment}/{model}/grid.csv",
    log:
        "results/models/{protocol}/{experiment}/{model}/log.txt",
    benchmark:
        "results/benchmarks/models/{protocol}/{experiment}/{model}.tsv"
    wildcard_constraints:
        protocol="holdout|lodo",
        model=models_on_vectors(),
    resources:
        mem_mb=growing(ask(PLAN.memory)),
        runtime=growing(ask(PLAN.minutes)),
    params:
        upstream=ask(PLAN.stores_made_of),
        settings=ask(PLAN.training_settings),
        code=ask(PLAN.model_code),
    shell:
        "cdmer --log {log} databases-out {output}"
        ' --stores "{input.stores}" --manifests "{input.manifests}"'
        " --settings {params.settings:q} --code {params.code}"


# A network: all rounds side by side. What an interruption leaves lies under `checkpoints`, until the job has ended well.
rule train_network:
    input:
        ask(PLAN.stores_of),
    output:
        predictions="results/models/cdmer/{experiment}/{model}/predictions.csv",
        metrics="results/models/cdmer/{experiment}/{model}/metrics.json",
        curves="results/models/cdmer/{experiment}/{model}/curves.csv",
        weights="results/models/cdmer/{experiment}/{model}/weights.safetensors",
    log:
        "results/models/cdmer/{experiment}/{model}/log.txt",
    benchmark:
        "results/benchmarks/models/cdmer/{experiment}/{model}.tsv"
    wildcard_constraints:
        model=networks(),
    priority: 1
    resources:
        mem_mb=growing(ask(PLAN.memory)),
        runtime=growing(ask(PLAN.minutes)),
        gpu=1,
    params:
        upstream=ask(PLAN.stores_made_of),
        settings=ask(PLAN.training_settings),
        code=ask(PLAN.model_code),
    shell:
        "cdmer --log {log} network {input} {output}"
        " --checkpoints results/checkpoints/{wildcards.experiment}.{wildcards.model}"
        " --settings {params.settings:q} --code {params.code}"


rule train_network_folds:
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
    wildcard_constraints:
        model=networks(),
    priority: 1
    resources:
        mem_mb=growing(ask(PLAN.memory)),
        runtime=growing(ask(PLAN.minutes)),
        gpu=1,
    params:
        upstream=ask(PLAN.stores_made_of),
        settings=ask(PLAN.training_settings),
        code=ask(PLAN.model_code),
    shell:
        "cdmer --log {log} network-folds {output}"
        ' --stores "{input.stores}" --manifests "{input.manifests}"'
        " --checkpoints results/checkpoints/{wildcards.experiment}.{wildcards.model}"
        " --settings {params.settings:q} --code {params.code}"
