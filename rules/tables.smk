rule list_exclusions:
    input:
        PLAN.stores(PLAN.listed()),
    output:
        "results/exclusions.csv",
    log:
        "results/logs/tables/exclusions.log",
    params:
        upstream=listed_made_of,
        code=code_digest("cdmer.store.exclusions"),
    shell:
        "cdmer --log {log} tables exclusions {input} --output {output} --code {params.code}"


rule tabulate_cdmer:
    input:
        predictions=predictions,
        exclusions="results/exclusions.csv",
    output:
        csv="results/cdmer_table.csv",
        md="results/cdmer_table.md",
    log:
        "results/logs/tables/cdmer.log",
    params:
        upstream=predictions_made_of,
        settings=as_json(PLAN.table_settings()),
        code=code_digest("cdmer.evaluation.tables"),
    shell:
        "cdmer --log {log} tables cdmer {input.predictions} --exclusions {input.exclusions}"
        " --csv {output.csv} --md {output.md} --settings {params.settings:q} --code {params.code}"
