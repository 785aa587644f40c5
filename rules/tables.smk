rule list_exclusions:
    input:
        PLAN.stores(PLAN.listed()),
    output:
        report(
            "results/exclusions.csv",
            caption="../workflow/report/exclusions.rst",
            category="Checks",
        ),
    log:
        "results/logs/tables/exclusions.log",
    benchmark:
        "results/benchmarks/tables/exclusions.tsv"
    resources:
        mem_mb=growing(700),
        runtime=growing(5),
    params:
        upstream=ask(PLAN.listed_made_of),
        code=code_digest("cdmer.store.exclusions"),
    shell:
        "cdmer --log {log} tables exclusions {input} --output {output} --code {params.code}"


# Of the very clips and folds behind a table; models that do not adapt are fitted once more, to see that they do not.
rule find_leaks:
    input:
        ask(PLAN.leak_inputs),
    output:
        report(
            "results/{protocol}_leaks.csv",
            caption="../workflow/report/leaks.rst",
            category="Checks",
        ),
    log:
        "results/logs/tables/{protocol}-leaks.log",
    benchmark:
        "results/benchmarks/tables/{protocol}-leaks.tsv"
    wildcard_constraints:
        protocol="cdmer|cde|single|holdout|lodo",
    resources:
        mem_mb=growing(3000),
        runtime=growing(30),
    params:
        upstream=ask(PLAN.predictions_made_of),
        settings=ask(PLAN.leak_settings),
        code=ask(PLAN.leak_code),
    shell:
        "cdmer --log {log} tables leaks {input} --output {output}"
        " --settings {params.settings:q} --code {params.code}"


rule find_disjoint_leaks:
    input:
        ask(PLAN.disjoint_leak_inputs),
    output:
        report(
            "results/cdmer_disjoint_leaks.csv",
            caption="../workflow/report/leaks.rst",
            category="Checks",
        ),
    log:
        "results/logs/tables/disjoint-leaks.log",
    benchmark:
        "results/benchmarks/tables/disjoint-leaks.tsv"
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        upstream=ask(PLAN.disjoint_table_made_of),
        settings=ask(PLAN.disjoint_leak_settings),
        code=code_digest("cdmer.evaluation.leak_jobs"),
    shell:
        "cdmer --log {log} tables disjoint-leaks {input} --output {output}"
        " --settings {params.settings:q} --code {params.code}"


rule tabulate_cdmer:
    input:
        predictions=ask(PLAN.predictions, protocol="cdmer"),
        exclusions="results/exclusions.csv",
        leaks="results/cdmer_leaks.csv",
    output:
        csv=report(
            "results/cdmer_table.csv",
            caption="../workflow/report/table.rst",
            category="Tables",
        ),
        md="results/cdmer_table.md",
        comparisons=report(
            "results/cdmer_comparisons.csv",
            caption="../workflow/report/comparisons.rst",
            category="Tables",
        ),
    log:
        "results/logs/tables/cdmer.log",
    benchmark:
        "results/benchmarks/tables/cdmer.tsv"
    resources:
        mem_mb=growing(1500),
        runtime=growing(10),
    params:
        upstream=ask(PLAN.predictions_made_of, protocol="cdmer"),
        settings=ask(PLAN.table_settings, protocol="cdmer"),
        code=code_digest("cdmer.evaluation.tables"),
    shell:
        "cdmer --log {log} tables cdmer {input.predictions} --exclusions {input.exclusions}"
        " --leaks {input.leaks} --csv {output.csv} --md {output.md} --comparisons {output.comparisons}"
        " --settings {params.settings:q} --code {params.code}"


rule tabulate_disjoint:
    input:
        answers=ask(PLAN.disjoint_answers),
        leaks="results/cdmer_disjoint_leaks.csv",
    output:
        csv=report(
            "results/cdmer_disjoint.csv",
            caption="../workflow/report/disjoint.rst",
            category="Tables",
        ),
        md="results/cdmer_disjoint.md",
    log:
        "results/logs/tables/disjoint.log",
    benchmark:
        "results/benchmarks/tables/disjoint.tsv"
    resources:
        mem_mb=growing(1500),
        runtime=growing(10),
    params:
        upstream=ask(PLAN.disjoint_table_made_of),
        settings=ask(PLAN.disjoint_table_settings),
        code=code_digest("cdmer.evaluation.disjoint_table"),
    shell:
        "cdmer --log {log} tables disjoint {input.answers} --leaks {input.leaks}"
        " --csv {output.csv} --md {output.md}"
        " --settings {params.settings:q} --code {params.code}"


rule tabulate_folds:
    input:
        predictions=ask(PLAN.predictions),
        exclusions="results/exclusions.csv",
        leaks="results/{protocol}_leaks.csv",
    output:
        csv=report(
            "results/{protocol}_table.csv",
            caption="../workflow/report/table.rst",
            category="Tables",
        ),
        md="results/{protocol}_table.md",
        comparisons=report(
            "results/{protocol}_comparisons.csv",
            caption="../workflow/report/comparisons.rst",
            category="Tables",
        ),
    log:
        "results/logs/tables/{protocol}.log",
    benchmark:
        "results/benchmarks/tables/{protocol}.tsv"
    resources:
        mem_mb=growing(1500),
        runtime=growing(10),
    params:
        upstream=ask(PLAN.predictions_made_of),
        settings=ask(PLAN.table_settings),
        code=code_digest("cdmer.evaluation.fold_tables"),
    shell:
        "cdmer --log {log} tables folds {input.predictions} --exclusions {input.exclusions}"
        " --leaks {input.leaks} --csv {output.csv} --md {output.md} --comparisons {output.comparisons}"
        " --settings {params.settings:q} --code {params.code}"


# How far the oracle is ahead of each honest way of choosing hyper-parameters.
rule draw_honesty:
    input:
        "results/cdmer_table.csv",
    output:
        report(
            "results/cdmer_honesty.png",
            caption="../workflow/report/honesty.rst",
            category="Checks",
        ),
    log:
        "results/logs/tables/honesty.log",
    benchmark:
        "results/benchmarks/tables/honesty.tsv"
    resources:
        mem_mb=growing(1000),
        runtime=growing(5),
    params:
        upstream=ask(PLAN.predictions_made_of, protocol="cdmer"),
        code=code_digest("cdmer.evaluation.honesty"),
    shell:
        "cdmer --log {log} tables honesty {input} --output {output} --code {params.code}"


# What a table was made of and how long it took: a file of its own, for it differs where the table does not. Benchmarks
# are no inputs, for jobs of earlier runs count too; where none are on the disk, the card has no hours.
rule write_card:
    input:
        "results/{table}.csv",
    output:
        report(
            "results/{table}.card.json",
            caption="../workflow/report/card.rst",
            category="Checks",
        ),
    log:
        "results/logs/tables/{table}-card.log",
    resources:
        mem_mb=growing(700),
        runtime=growing(5),
    params:
        settings=ask(PLAN.card_settings),
        code=code_digest("cdmer.evaluation.card"),
    shell:
        "cdmer --log {log} tables card {input} {output} --benchmarks results/benchmarks"
        " --settings {params.settings:q} --code {params.code}"
