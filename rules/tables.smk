rule list_exclusions:
    input:
        PLAN.stores(PLAN.listed()),
    output:
        "results/exclusions.csv",
    log:
        "results/logs/tables/exclusions.log",
    params:
        upstream=ask(PLAN.listed_made_of),
        code=code_digest("cdmer.store.exclusions"),
    shell:
        "cdmer --log {log} tables exclusions {input} --output {output} --code {params.code}"


rule tabulate_cdmer:
    input:
        predictions=ask(PLAN.predictions, protocol="cdmer"),
        exclusions="results/exclusions.csv",
    output:
        csv="results/cdmer_table.csv",
        md="results/cdmer_table.md",
    log:
        "results/logs/tables/cdmer.log",
    params:
        upstream=ask(PLAN.predictions_made_of, protocol="cdmer"),
        settings=ask(PLAN.table_settings, protocol="cdmer"),
        code=code_digest("cdmer.evaluation.tables"),
    shell:
        "cdmer --log {log} tables cdmer {input.predictions} --exclusions {input.exclusions}"
        " --csv {output.csv} --md {output.md} --settings {params.settings:q} --code {params.code}"


rule tabulate_folds:
    input:
        predictions=ask(PLAN.predictions),
        exclusions="results/exclusions.csv",
    output:
        csv="results/{protocol}_table.csv",
        md="results/{protocol}_table.md",
    log:
        "results/logs/tables/{protocol}.log",
    params:
        upstream=ask(PLAN.predictions_made_of),
        settings=ask(PLAN.table_settings),
        code=code_digest("cdmer.evaluation.loso_tables"),
    shell:
        "cdmer --log {log} tables folds {input.predictions} --exclusions {input.exclusions}"
        " --csv {output.csv} --md {output.md} --settings {params.settings:q} --code {params.code}"
