"""What each table is made of."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from cdmer.code import code_digest
from cdmer.errors import CdmerError
from cdmer.inputs import by_place
from cdmer.planning.disjoint import DisjointPlan
from cdmer.planning.shared import databases_of, digest, experiments, once


class TablesPlan(DisjointPlan):
    """The tables and what lies beside them."""

    def listed_made_of(self) -> str:
        """A digest of what the stores are made of whose exclusions are listed."""
        return digest(*(self.parts_made_of(feature, database) for feature, database in self.listed()))

    @once
    def predictions_made_of(self, protocol: str) -> str:
        """A digest of what all predictions of a table are made of."""
        return digest(
            *(
                [self.stores_made_of(model, key), self.training_settings(model, key), self.model_code(model, key)]
                for key, model in self.computable(protocol)
            )
        )

    def predictions(self, protocol: str) -> list[str]:
        """The predictions that a protocol's table is made of.

        Raises
        ------
        CdmerError
            Not a single experiment can be computed; the reasons are given.
        """
        if not self.computable(protocol):
            reasons = dict.fromkeys(entry.reason for entry in self.left_out(protocol))
            raise CdmerError(
                f"{protocol}: no experiment can be computed: {'; '.join(reasons)}",
                "give the protocol's databases (docs/protocols.md); for features alone, ask for all_features",
            )
        return [f"results/models/{protocol}/{key}/{model}/predictions.csv" for key, model in self.computable(protocol)]

    def compares_selections(self) -> bool:
        """Whether the oracle stands beside an honest selection, so that its lead can be drawn."""
        chosen = set(self.config.selection)
        return "cdmer" in self.config.protocols and "oracle" in chosen and len(chosen) > 1

    def card_settings(self, table: str) -> dict[str, Any]:
        """What the job that writes the card of ``{protocol}_table`` or ``cdmer_disjoint`` needs to know."""
        protocol = table.removesuffix("_table")
        disjoint = table == "cdmer_disjoint"
        pairs = self.disjoint() if disjoint else self.computable(protocol)
        read = dict.fromkeys(database for key, _ in pairs for database in databases_of(key))
        stores = ((self.models[model].feature, database) for key, model in pairs for database in databases_of(key))
        listed = self.listed()
        return {
            # what a report shows of people changes no table
            "config": self.config.model_dump(mode="json", by_alias=True, exclude={"report"}),
            "data": {name: digest(*(self.parts_made_of(*pair) for pair in listed if pair[1] == name)) for name in read},
            "code": {
                model: self.disjoint_code(model) if disjoint else self.model_code(model, key) for key, model in pairs
            },
            "protocols": ["cdmer", "disjoint"] if disjoint else [protocol],
            "recipes": self._recipes_behind(stores),
        }

    def _recipes_behind(self, stores: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
        """What feature stores are made by, stage by stage: a release by its feature alone."""
        found: dict[str, dict[str, None]] = {"faces": {}, "frames": {}, "features": {}, "interpolators": {}}
        for feature, database in dict.fromkeys(stores):
            found["features"][feature] = None
            if feature in self.config.imported(database):
                continue
            recipe = self.config.features[feature]
            frames = self.config.frames[recipe.frames]
            found["frames"][recipe.frames] = None
            found["faces"][frames.faces] = None
            if recipe.source:
                found["features"][recipe.source] = None
            if frames.interpolator:
                found["interpolators"][frames.interpolator] = None
                found["faces"][self.config.interpolators[frames.interpolator].faces] = None
        return {stage: list(names) for stage, names in found.items()}

    def table_settings(self, protocol: str) -> dict[str, Any]:
        """What the job that makes a table needs to know."""
        left_out = [asdict(entry) for entry in self.left_out(protocol)]
        word = "experiment" if protocol == "cdmer" else "task"
        parts = [
            {
                word: experiments(protocol)[key],
                "model": model,
                "data": " and ".join(sorted({self.origin(model, name) for name in databases_of(key)})),
            }
            for key, model in self.computable(protocol)
        ]
        own: dict[str, Any]
        if protocol == "cdmer":
            own = {"disjoint": bool(self.disjoint()), "casme2_negative": self.config.cdmer.casme2_negative}
        else:
            own = {"protocol": protocol}
            parts = [{**part, "feature": self.models[part["model"]].feature} for part in parts]
        return {"parts": parts, "left_out": left_out, **own}

    def leak_settings(self, protocol: str) -> dict[str, Any]:
        """What the job that looks for leaks in a table needs to know; files by their place among `leak_inputs`."""
        return {
            "protocol": protocol,
            "parts": by_place(self._leak_parts(protocol), self.leak_inputs(protocol)),
            "casme2_negative": self.config.cdmer.casme2_negative,
        }

    def disjoint_leak_settings(self) -> dict[str, Any]:
        """The same of TYPE-I with nobody on both sides."""
        return {
            "parts": by_place(self._disjoint_leak_parts(), self.disjoint_leak_inputs()),
            "casme2_negative": self.config.cdmer.casme2_negative,
        }

    def leak_inputs(self, protocol: str) -> list[str]:
        """The files that the leak checks of a table read: stores, manifests, and what its models answered."""
        return _files_of(self._leak_parts(protocol))

    def disjoint_leak_inputs(self) -> list[str]:
        """The files that the leak checks of TYPE-I with nobody on both sides read."""
        return _files_of(self._disjoint_leak_parts())

    @once
    def _leak_parts(self, protocol: str) -> list[dict[str, Any]]:
        names = experiments(protocol)
        parts: dict[tuple[str, str], dict[str, Any]] = {}
        for key, model in self.computable(protocol):
            settings = self.models[model]
            part = parts.setdefault((key, settings.feature), self._leak_part(names[key], key, model))
            if protocol != "cdmer":
                part |= {"task": key, "manifests": self.manifests_of(key)}
            part["models"][model] = {
                "predictions": f"results/models/{protocol}/{key}/{model}/predictions.csv",
                "adapts": settings.adapts,
                "fit": None if self.is_network(model) else self._fit_of(model),
            }
        return list(parts.values())

    @once
    def _disjoint_leak_parts(self) -> list[dict[str, Any]]:
        names = experiments("cdmer")
        parts: dict[tuple[str, str], dict[str, Any]] = {}
        for key, model in self.disjoint():
            part = parts.setdefault((key, self.models[model].feature), self._leak_part(names[key], key, model))
            part["models"][model] = {"predictions": f"results/models/disjoint/{model}/predictions.csv"}
        return list(parts.values())

    def _leak_part(self, name: str, key: str, model: str) -> dict[str, Any]:
        return {
            "experiment": name,
            "feature": self.models[model].feature,
            "databases": databases_of(key),
            "stores": self.stores_of(model, key),
            "models": {},
        }

    def _fit_of(self, model: str) -> dict[str, Any]:
        settings = self.models[model]
        columns = getattr(settings, "columns", None)
        return {
            "module": settings.module,
            "estimator": settings.estimator,
            "parameters": settings.parameters(),
            "columns": columns,
        }

    def leak_code(self, protocol: str) -> str:
        """A digest of the code of a table's leak checks, and of the models that they fit again."""
        refitted = {self.models[m].module for _, m in self.computable(protocol) if self._is_refitted(m)}
        return code_digest("cdmer.evaluation.leak_jobs", *sorted(refitted))

    def _is_refitted(self, model: str) -> bool:
        return not self.models[model].adapts and not self.is_network(model)


def _files_of(parts: list[dict[str, Any]]) -> list[str]:
    files = [
        name
        for part in parts
        for name in (
            *part["stores"],
            *part.get("manifests", ()),
            *(about["predictions"] for about in part["models"].values()),
        )
    ]
    return list(dict.fromkeys(files))
