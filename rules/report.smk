# Everything that the run made, on one page that opens offline.
rule make_report:
    input:
        ask(PLAN.report_inputs),
    output:
        report(
            "results/report.html",
            caption="../workflow/report/page.rst",
            category="Report",
        ),
    log:
        "results/logs/report/report.log",
    benchmark:
        "results/benchmarks/report/report.tsv"
    resources:
        mem_mb=growing(4500),
        runtime=growing(60),
    params:
        upstream=ask(PLAN.report_made_of),
        settings=ask(PLAN.report_settings),
        code=code_digest("cdmer.report.job", *PLAN.report_models()),
    shell:
        "cdmer --log {log} report {output} {input} --benchmarks results/benchmarks"
        " --settings {params.settings:q} --code {params.code}"
