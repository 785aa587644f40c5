"""The feature store and the other files that carry arrays from stage to stage."""

from cdmer.store.feature_store import Features, FeatureStore, merge

__all__ = ["FeatureStore", "Features", "merge"]
