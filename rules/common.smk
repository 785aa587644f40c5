import json

from cdmer.code import code_digest
from cdmer.config import read_config
from cdmer.errors import CdmerError
from cdmer.plan import Plan, experiment_of
from cdmer.runlock import hold_run_lock
from cdmer.watch import set_job_environment


def plan_run():
    """The plan of this run; a fault in the configuration or in a database ends it with one message."""
    try:
        plan = Plan(
            read_config(config),
            remembered=".snakemake/census.json",
            fresh=workflow.is_main_process,
        )
        plan.census
        return plan
    except CdmerError as error:
        raise WorkflowError(str(error)) from None


if workflow.is_main_process and hold_run_lock():
    logger.info("A run that was killed had left its lock here; it is removed.")

PLAN = plan_run()

set_job_environment()


wildcard_constraints:
    database="|".join(PLAN.databases) or "none",
    recipe=r"[\w.@-]+",
    feature="|".join(PLAN.config.features),
    interpolator="|".join(PLAN.config.interpolators) or "none",
    sheet=r"[\w-]+",
    subject=r"[\w.-]+",
    experiment=r"[A-Z]_to_[A-Z]",
    model="|".join(PLAN.models),


def as_json(settings):
    """Settings as one canonical text, so that only a change of their values changes a rule's params."""
    return json.dumps(settings, sort_keys=True)


# -- databases


def cohort_settings(wildcards):
    return as_json(PLAN.cohort_settings())


def reader_code(wildcards):
    return PLAN.reader_code(wildcards.database)


def reader_settings(wildcards):
    return as_json(PLAN.reader_settings(wildcards.database))


def clips_digest(wildcards):
    return PLAN.clips_digest(wildcards.database, wildcards.subject)


def rendered(wildcards):
    """What has to be made before a subject of a synthetic database can be read; nothing for a real one."""
    return PLAN.rendered(wildcards.database)


def slices(wildcards):
    return [
        f"results/databases/{wildcards.database}/subjects/{subject}.csv"
        for subject in PLAN.subjects(wildcards.database)
    ]


# -- faces, frames, features


def faces_settings(wildcards):
    return as_json(PLAN.faces_settings(wildcards.recipe, wildcards.database))


def on_missing_face(wildcards):
    return PLAN.config.faces[wildcards.recipe].on_missing_face


def missing_faces(wildcards):
    return PLAN.missing_faces(wildcards.feature, wildcards.database)


def faces_code(wildcards):
    return PLAN.faces_code(wildcards.recipe)


def faces_to_show(wildcards):
    return PLAN.faces_to_show(wildcards.recipe)


def frames_to_show(wildcards):
    return PLAN.frames_to_show(wildcards.recipe)


def frames_settings(wildcards):
    return as_json(PLAN.frames_settings(wildcards.recipe))


def frames_code(wildcards):
    return PLAN.frames_code(wildcards.recipe)


def faces_of_frames(wildcards):
    recipe = PLAN.config.frames[wildcards.recipe].faces
    return f"results/faces/{recipe}/{wildcards.database}/{wildcards.subject}.h5"


def network_of_frames(wildcards):
    return PLAN.network(wildcards.recipe)


def crops_for_interpolator(wildcards):
    try:
        return PLAN.interpolator_shards(wildcards.interpolator)
    except CdmerError as error:
        raise WorkflowError(str(error)) from None


def interpolator_settings(wildcards):
    return as_json(PLAN.interpolator_settings(wildcards.interpolator))


def interpolator_code(wildcards):
    return PLAN.interpolator_code()


def interpolator_checkpoint(wildcards):
    """Undeclared, so that a training that was ended goes on; another making has another place."""
    return f"results/checkpoints/interpolator-{interpolator_made_of(wildcards)}.pt"


def feature_settings(wildcards):
    return as_json(
        PLAN.feature_settings(wildcards.feature, wildcards.database, wildcards.subject)
    )


def feature_code(wildcards):
    return PLAN.feature_code(wildcards.feature)


def frames_of_feature(wildcards):
    recipe = PLAN.config.features[wildcards.feature].frames
    return f"results/frames/{recipe}/{wildcards.database}/{wildcards.subject}.h5"


def released_file(wildcards):
    return PLAN.released_file(wildcards.database, wildcards.feature)


def import_settings(wildcards):
    return as_json(PLAN.import_settings(wildcards.feature, wildcards.database))


def shards(wildcards):
    return PLAN.shards(wildcards.feature, wildcards.database)


def manifest(wildcards):
    return PLAN.manifest(wildcards.feature, wildcards.database)


# -- upstream: what a job's inputs are made of


def inputs_of_frames_made_of(wildcards):
    return PLAN.inputs_of_frames_made_of(
        wildcards.recipe, wildcards.database, wildcards.subject
    )


def interpolator_made_of(wildcards):
    return PLAN.interpolator_made_of(wildcards.interpolator)


def frames_made_of(wildcards):
    recipe = PLAN.config.features[wildcards.feature].frames
    return PLAN.frames_made_of(recipe, wildcards.database, wildcards.subject)


def parts_made_of(wildcards):
    return PLAN.parts_made_of(wildcards.feature, wildcards.database)


def stores_made_of(wildcards):
    return PLAN.stores_made_of(wildcards.model, experiment_of(wildcards.experiment))


def listed_made_of(wildcards):
    return PLAN.listed_made_of()


def predictions_made_of(wildcards):
    return PLAN.predictions_made_of()


# -- models, tables


def source_store(wildcards):
    return PLAN.store(wildcards.model, experiment_of(wildcards.experiment).source)


def target_store(wildcards):
    return PLAN.store(wildcards.model, experiment_of(wildcards.experiment).target)


def model_settings(wildcards):
    return as_json(
        PLAN.model_settings(wildcards.model, experiment_of(wildcards.experiment))
    )


def model_code(wildcards):
    return PLAN.model_code(wildcards.model)


def predictions(wildcards):
    try:
        return PLAN.predictions()
    except CdmerError as error:
        raise WorkflowError(str(error)) from None


def tables():
    return [
        f"results/{protocol}_table.{suffix}"
        for protocol in PLAN.config.protocols
        for suffix in ("csv", "md")
    ]
