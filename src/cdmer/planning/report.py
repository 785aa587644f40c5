"""What the report is made of."""

from typing import Any

from cdmer.code import code_digest
from cdmer.config.models import BlockSettings
from cdmer.planning.shared import databases_of, digest, experiments
from cdmer.planning.tables import TablesPlan

TRANSFORMS = ("TCA", "SA")  # methods that map clips, whose report shows the domains before and after


class ReportPlan(TablesPlan):
    """The report."""

    def report_settings(self) -> dict[str, Any]:
        """What the job that writes the report needs to know."""
        return {
            "databases": {name: self._database_of_report(name) for name in self.databases},
            "faces": self.config.report.faces,
            "recipes": self._recipes_of_report(),
            "protocols": {protocol: self._protocol_of_report(protocol) for protocol in self.config.protocols},
            "features": self._features_of_report(),
            "transforms": {
                name: {"feature": settings.feature, **settings.parameters()}
                for name, settings in self.models.items()
                if name in TRANSFORMS
            },
            "regions": self._regions_of_report(),
            "selections": self.config.selection,
            "casme2_negative": self.config.cdmer.casme2_negative,
            "honesty": self.compares_selections(),
            "disjoint": bool(self.disjoint()),
            "weights": self.config.networks.keep_weights > 0,
        }

    def report_models(self) -> list[str]:
        """The modules of the models that the report fits again, to see where they look."""
        return sorted({settings["module"] for settings in self._regions_of_report().values()})

    def report_inputs(self) -> list[str]:
        """Every file that the report is made of, in a fixed order."""
        results = self.report_settings()
        files = [f"results/databases/{name}/manifest.csv" for name in self.databases if self.has_clips(name)]
        for recipe in results["recipes"]:
            for name, shown in results["databases"].items():
                files += [f"results/faces/{recipe}/{name}/{subject}.h5" for subject in shown["subjects"]]
        files += self.stores((feature, name) for feature, names in results["features"].items() for name in names)
        for protocol, made in results["protocols"].items():
            for model, keys in made["models"].items():
                outputs = ["predictions.csv", *self._details(protocol, model)]
                files += [f"results/models/{protocol}/{key}/{model}/{name}" for key in keys for name in outputs]
            files += [f"results/{protocol}_{name}" for name in ("table.csv", "table.card.json", "comparisons.csv")]
            files.append(f"results/{protocol}_leaks.csv")
        if results["disjoint"]:
            files += [f"results/cdmer_disjoint{end}" for end in (".csv", ".card.json", "_leaks.csv")]
        if results["honesty"]:
            files.append("results/cdmer_honesty.png")
        return [*files, "results/exclusions.csv"]

    def report_made_of(self) -> str:
        """A digest of what the report's inputs are made of."""
        manifests = [self.subjects(name) for name in self.databases if self.has_clips(name)]
        tables = [self.table_settings(protocol) for protocol in self.config.protocols]
        predictions = [self.predictions_made_of(protocol) for protocol in self.config.protocols]
        clips = [self.census[name] for name in self.databases if self.has_clips(name)]
        code = code_digest(
            "cdmer.evaluation.tables",
            "cdmer.evaluation.fold_tables",
            "cdmer.evaluation.leak_jobs",
            "cdmer.evaluation.disjoint_table",
        )
        recipes = [[self.faces_code(recipe), self.on_missing_face(recipe)] for recipe in self._recipes_of_report()]
        disjoint = self.disjoint_table_made_of()
        return digest(manifests, clips, tables, predictions, disjoint, self.listed_made_of(), code, recipes)

    def _details(self, protocol: str, model: str) -> list[str]:
        """What a training under a protocol leaves beside its predictions, for a person to look at."""
        if protocol != "cdmer":
            return []
        weights = ["weights.safetensors"] if self.config.networks.keep_weights else []
        return ["curves.csv", *weights] if self.is_network(model) else ["grid.csv"]

    def _database_of_report(self, name: str) -> dict[str, Any]:
        shown = self.config.report.faces_of(self.is_synthetic(name)) if self.has_clips(name) else "none"
        origin = "synthetic" if self.is_synthetic(name) else "real" if self.has_clips(name) else "released"
        return {
            "origin": origin,
            "released": sorted(self.config.imported(name)),
            "clips": self.has_clips(name),
            "faces": shown,
            "subjects": [] if shown == "none" else self.subjects(name),
        }

    def _recipes_of_report(self) -> list[str]:
        """The faces recipes that models read, the one that most read first."""
        counts: dict[str, int] = {}
        for model in {model: None for protocol in self.config.protocols for _, model in self.computable(protocol)}:
            settings = self.models[model]
            recipe = self.config.frames[self.config.features[settings.feature].frames].faces
            counts[recipe] = counts.get(recipe, 0) + 1
        return sorted(counts, key=lambda recipe: -counts[recipe])

    def _regions_of_report(self) -> dict[str, dict[str, Any]]:
        """Models whose groups are blocks of regular grids over the face."""
        found = {}
        for name, settings in self.models.items():
            recipe = self.config.features[settings.feature]
            grids = list(getattr(recipe, "grids", ()))
            if not isinstance(settings, BlockSettings) or settings.columns != "blocks" or not grids:
                continue
            faces = self.config.faces[self.config.frames[recipe.frames].faces]
            found[name] = {
                "module": settings.module,
                "estimator": settings.estimator,
                "parameters": settings.parameters(),
                "feature": settings.feature,
                "grids": grids,
                "faces": self.config.frames[recipe.frames].faces,
                "eyes": [faces.eye_distance, faces.eye_height] if faces.alignment == "eyes" else None,
            }
        return found

    def _protocol_of_report(self, protocol: str) -> dict[str, Any]:
        models: dict[str, list[str]] = {}
        for key, model in self.computable(protocol):
            models.setdefault(model, []).append(key)
        keys = dict.fromkeys(key for found in models.values() for key in found)
        return {
            "experiments": {key: [experiments(protocol)[key], *databases_of(key)] for key in keys},
            "models": models,
            "networks": [model for model in models if self.is_network(model)],
            "features": {model: self.models[model].feature for model in models},
        }

    def _features_of_report(self) -> dict[str, list[str]]:
        """The features that models read, and the databases that they read them of."""
        found: dict[str, list[str]] = {}
        for feature, database in self.listed():
            found.setdefault(feature, []).append(database)
        return found
