"""What each table is made of."""

from dataclasses import asdict
from typing import Any

from cdmer.errors import CdmerError
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
        """What the job that writes a table's card needs to know."""
        pairs = self.computable(table)
        read = dict.fromkeys(database for key, _ in pairs for database in databases_of(key))
        listed = self.listed()
        return {
            # what a report shows of people changes no table
            "config": self.config.model_dump(mode="json", by_alias=True, exclude={"report"}),
            "data": {name: digest(*(self.parts_made_of(*pair) for pair in listed if pair[1] == name)) for name in read},
            "code": {model: self.model_code(model, key) for key, model in pairs},
        }

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
        own = {"disjoint": bool(self.disjoint())} if protocol == "cdmer" else {"protocol": protocol}
        return {"parts": parts, "left_out": left_out, **own}

    def leak_settings(self) -> dict[str, Any]:
        """What the job that looks for leaks between source and target needs to know."""
        names = experiments("cdmer")
        pairs = {(key, self.models[model].feature): model for key, model in self.computable("cdmer")}
        return {
            "pairs": [
                {
                    "experiment": names[key],
                    "feature": feature,
                    "databases": databases_of(key),
                    "stores": self.stores_of(model, key),
                }
                for (key, feature), model in pairs.items()
            ],
            "selection": self.config.selection,
            "adapting": [model for model, settings in self.models.items() if settings.adapts],
        }

    def compared_stores(self) -> list[str]:
        """The stores whose clips are looked at for leaks."""
        return list(dict.fromkeys(store for pair in self.leak_settings()["pairs"] for store in pair["stores"]))
