"""The models that A/B tests compare, loaded once each."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future

from .errors import StoreUnavailableError
from .experiments import Variant
from .model_files import ModelFiles
from .scoring_model import Scores, ScoringModel

# More than the variants of one test; each model takes some megabytes.
_MOST_MODELS = 24
# How long a request waits for a shadow's model, and how long none waits after that.
SHADOW_WAIT_SECONDS = 1.0
_PAUSE_SECONDS = 30.0


class VariantModels:
    """Loads the model of a variant when it is first asked for, in a thread of its own."""

    def __init__(self, files: ModelFiles, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Wire it; nothing is loaded yet."""
        self._files, self._monotonic = files, monotonic
        self._loading: OrderedDict[str, Future[Scores]] = OrderedDict()
        self._not_before: dict[str, float] = {}
        self._lock = threading.Lock()

    def answering(self, variant: Variant) -> Scores:
        """Return the model that answers for a variant.

        Raises ArtifactError, and StoreUnavailableError: the next request tries again.
        """
        return self._load(variant).result()

    def beside(self, variant: Variant) -> Scores:
        """Return the model of a shadow, if it is there within a second.

        Raises what `answering` does, and StoreUnavailableError where it takes longer; then, for a
        while, at once, so that a store that hangs costs no answer its time.
        """
        loading = self._load(variant, pauses=True)
        now = self._monotonic()
        if not loading.done() and now < self._not_before.get(variant.model_version, 0.0):
            raise StoreUnavailableError("the shadow's model")
        try:
            return loading.result(SHADOW_WAIT_SECONDS)
        except TimeoutError:
            self._not_before[variant.model_version] = now + _PAUSE_SECONDS
            raise StoreUnavailableError("the shadow's model") from None

    def _load(self, variant: Variant, *, pauses: bool = False) -> Future[Scores]:
        """Return the loading of a model, begun anew if the last one failed."""
        version = variant.model_version
        with self._lock:
            loading = self._loading.get(version)
            has_failed = loading is not None and loading.done() and loading.exception() is not None
            waits = pauses and self._monotonic() < self._not_before.get(version, 0.0)
            if loading is None or (has_failed and not waits):
                loading = self._loading[version] = Future()
                threading.Thread(target=self._fulfil, args=(variant, loading), daemon=True).start()
            self._loading.move_to_end(version)
            while len(self._loading) > _MOST_MODELS:
                self._loading.popitem(last=False)
            return loading

    def _fulfil(self, variant: Variant, loading: Future[Scores]) -> None:
        try:
            files = self._files.fetch(variant.model_version, variant.checksums)
            loading.set_result(ScoringModel.load(files.__getitem__))
        except Exception as error:  # noqa: BLE001 (whoever waits gets it)
            self._not_before[variant.model_version] = self._monotonic() + _PAUSE_SECONDS
            loading.set_exception(error)
