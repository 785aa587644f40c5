"""TYPE-I with nobody on both sides: which trainings and what table."""

from dataclasses import asdict
from typing import Any

from cdmer.code import code_digest
from cdmer.errors import CdmerError
from cdmer.inputs import by_place
from cdmer.planning.models import ModelsPlan
from cdmer.planning.shared import LeftOut, databases_of, digest, experiments
from cdmer.protocols.cdmer import cdmer_experiments
from cdmer.protocols.people import family


class DisjointPlan(ModelsPlan):
    """TYPE-I without the people whom both sides show."""

    def disjoint(self) -> list[tuple[str, str]]:
        """The (experiment, model) pairs that are computed once more with nobody on both sides."""
        out = {(entry.experiment, entry.model) for entry in self.disjoint_left_out()}
        names = experiments("cdmer")
        return [pair for pair in self._shared_pairs() if (names[pair[0]], pair[1]) not in out]

    def disjoint_left_out(self) -> list[LeftOut]:
        """What of TYPE-I has no subject-disjoint variant, and why."""
        return [
            LeftOut(experiments("cdmer")[key], model, reason)
            for key, model in self._shared_pairs()
            if (reason := self._lacks_disjoint(model, key))
        ]

    def _shared_pairs(self) -> list[tuple[str, str]]:
        shared = {each.key for each in cdmer_experiments() if family(each.source) == family(each.target)}
        asked = "cdmer" in self.config.protocols and self.config.cdmer.disjoint
        return [pair for pair in self.computable("cdmer") if pair[0] in shared] if asked else []

    def _lacks_disjoint(self, model: str, experiment: str) -> str:
        if self.is_network(model):
            return "networks are not trained again without each person"
        if not self.disjoint_selections(model):
            return "no selection of `cdmer.disjoint` is computed of it"
        lacking = [
            name for name in databases_of(experiment) if self.models[model].feature in self.config.imported(name)
        ]
        return f"the release of {' and '.join(lacking)} names nobody" if lacking else ""

    def disjoint_selections(self, model: str) -> list[str]:
        """The selections of a model whose answers are computed once more."""
        computed = self.config.selection if self.models[model].searched else ["default"]
        return [name for name in self.config.cdmer.disjoint if name in computed]

    def disjoint_of(self, model: str) -> list[str]:
        """The experiments of a model that are computed once more, by the names of their folders."""
        return [key for key, name in self.disjoint() if name == model]

    def disjoint_settings(self, model: str) -> dict[str, Any]:
        """What the job that trains a model without each shared person needs to know; files by their place."""
        files = by_place(self._disjoint_experiments(model), self.disjoint_inputs(model))
        kept = ("module", "estimator", "parameters", "columns", "casme2_negative")
        settings = self.training_settings(model, self.disjoint_of(model)[0])
        return {
            **{name: settings[name] for name in kept},
            "selection": self.disjoint_selections(model),
            "draws": self.config.cdmer.disjoint_draws,
            "experiments": files,
        }

    def _no_disjoint(self, model: str) -> str:
        """What to do about a model of which no experiment is computed once more."""
        if "cdmer" not in self.config.protocols:
            return "add `cdmer` to `protocols`"
        if not self.config.cdmer.disjoint:
            return "name selections in the configuration, e.g. `cdmer: {disjoint: [default]}`"
        left_out = self.disjoint_left_out() + self.left_out("cdmer")
        reasons = dict.fromkeys(entry.reason for entry in left_out if entry.model == model)
        return f"make an experiment of TYPE-I possible: {'; '.join(reasons)}"

    def disjoint_inputs(self, model: str) -> list[str]:
        """The files that this job reads.

        Raises
        ------
        CdmerError
            There is nothing for it to do; the reason is given.
        """
        read = self._disjoint_experiments(model)
        stores = dict.fromkeys(store for each in read for store in each["stores"])
        return [*stores, *(each[name] for each in read for name in ("predictions", "metrics"))]

    def _disjoint_experiments(self, model: str) -> list[dict[str, Any]]:
        keys = self.disjoint_of(model)
        if not keys:
            problem = f"{model} is not trained without the people whom both sides show"
            raise CdmerError(problem, self._no_disjoint(model))
        return [
            {
                "experiment": experiments("cdmer")[key],
                "databases": databases_of(key),
                "stores": self.stores_of(model, key),
                "predictions": f"results/models/cdmer/{key}/{model}/predictions.csv",
                "metrics": f"results/models/cdmer/{key}/{model}/metrics.json",
            }
            for key in keys
        ]

    def disjoint_made_of(self, model: str) -> str:
        """A digest of what it starts from."""
        return digest(
            *(
                [self.stores_made_of(model, key), self.training_settings(model, key), self.model_code(model, key)]
                for key in self.disjoint_of(model)
            )
        )

    def disjoint_code(self, model: str) -> str:
        """A digest of its code."""
        return code_digest("cdmer.protocols.disjoint", self.models[model].module)

    def disjoint_answers(self) -> list[str]:
        """The answers that its table is made of: two files a model, and the plain ones beside them."""
        models = dict.fromkeys(model for _, model in self.disjoint())
        return [
            *(
                f"results/models/disjoint/{model}/{name}.csv"
                for model in models
                for name in ("predictions", "controls")
            ),
            *(f"results/models/cdmer/{key}/{model}/predictions.csv" for key, model in self.disjoint()),
        ]

    def disjoint_table_settings(self) -> dict[str, Any]:
        """What the job that makes that table needs to know; files by their place among `disjoint_answers`."""
        parts = [
            {
                "experiment": experiments("cdmer")[key],
                "model": model,
                "data": " and ".join(sorted({self.origin(model, name) for name in databases_of(key)})),
                "disjoint": f"results/models/disjoint/{model}/predictions.csv",
                "controls": f"results/models/disjoint/{model}/controls.csv",
                "plain": f"results/models/cdmer/{key}/{model}/predictions.csv",
            }
            for key, model in self.disjoint()
        ]
        left_out = [asdict(entry) for entry in self.disjoint_left_out()]
        return {"parts": by_place(parts, self.disjoint_answers()), "left_out": left_out}

    def disjoint_table_made_of(self) -> str:
        """A digest of what that table is made of."""
        models = dict.fromkeys(model for _, model in self.disjoint())
        return digest(
            *(
                [self.disjoint_made_of(model), self.disjoint_settings(model), self.disjoint_code(model)]
                for model in models
            )
        )
