rule train_model:
    input:
        source=source_store,
        target=target_store,
    output:
        predictions="results/models/cdmer/{experiment}/{model}/predictions.csv",
        metrics="results/models/cdmer/{experiment}/{model}/metrics.json",
        grid="results/models/cdmer/{experiment}/{model}/grid.csv",
    log:
        "results/models/cdmer/{experiment}/{model}/log.txt",
    resources:
        mem_mb=1500,
    params:
        upstream=stores_made_of,
        settings=model_settings,
        code=model_code,
    shell:
        "cdmer --log {log} models {input.source} {input.target} {output.predictions}"
        " {output.metrics} {output.grid} --settings {params.settings:q} --code {params.code}"
