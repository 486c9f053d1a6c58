"""The 60 competitions of MLE-bench that ask for one prediction per row, laid out in small: what each ships and asks for."""

from dataclasses import dataclass, field
from typing import Any

IDS = [f"r{row:02d}" for row in range(12)]


def every(text):
    """A column whose rows take these texts in turn."""
    values = text.split()
    return [values[row % len(values)] for row in range(len(IDS))]


@dataclass(frozen=True)
class Asked:
    """A competition: what is to be worked out, the training table's targets and other columns, and the sample's answer."""

    task: str
    answer: str
    metric: Any
    targets: dict[str, list[str]]
    sample: dict[str, str]
    more: dict[str, list[str]] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    id: str = "id"
    best: float | None = None


def p(metric, target="target", named=True, classes="0 1", **more):
    """One probability."""
    return Asked("binary", "probability", metric, {target: every(classes)}, {target if named else "p": "0.5"}, **more)


def label(metric, classes, task="multiclass", target="label", **more):
    """One label."""
    return Asked(task, "label", metric, {target: every(classes)}, {target: classes.split()[0]}, **more)


def classes(metric, names, target="label", **more):
    """A probability per class."""
    return Asked("multiclass", "probability", metric, {target: every(names)}, dict.fromkeys(names.split(), "0.1"), **more)


def multilabel(metric, names, **more):
    """A probability per label, whose columns the training table has too."""
    columns = {name: every(("0 1", "1 0 0", "0 0 1 1", "1 1 0 0 1")[at % 4]) for at, name in enumerate(names.split())}
    return Asked("multilabel", "probability", metric, columns, dict.fromkeys(columns, "0.5"), **more)


def values(metric, names, **more):
    """A number per target."""
    columns = {name: every(("1.5 2.25 0.5 3.75 4.5", "0.2 0.1 0.4")[at % 2]) for at, name in enumerate(names.split())}
    return Asked("regression", "value", metric, columns, dict.fromkeys(columns, "0"), **more)


def texts(answer, metric, task, column, sample, **more):
    """A text of labels."""
    return Asked(task, answer, metric, {"labels": column}, {"labels": sample}, **more)


WHALES = every("w_1 w_2 new_whale w_3")
SETS = ["a b", "a", "b c", "", "c", "a b c"] * 2
VERTEBRAE = "patient_overall C1 C2 C3 C4 C5 C6 C7"
VOTES = {"seizure_vote": every("3 0 1"), "lpd_vote": every("0 2"), "other_vote": every("1 0 5 2")}
BREASTS = ["P0_L", "P0_L", "P0_R", "P1_L", "P1_L", "P1_R"] * 2

SIXTY = {
    "aerial-cactus-identification": p("roc_auc"),
    "alaska2-image-steganalysis": p("weighted_roc_auc"),
    "aptos2019-blindness-detection": label("quadratic_weighted_kappa", "0 1 2 3 4"),
    "cassava-leaf-disease-classification": label("accuracy", "0 1 2 3 4"),
    "cdiscount-image-classification-challenge": label(
        "accuracy",
        "1000 1001",
        target="category_id",
        settings={"answer_id": "_id", "id": "image", "task": "multiclass"},
        more={"_id": ["10", "11", "12", "13", "10", "11"] * 2},
        id="image",
    ),
    "dog-breed-identification": classes("log_loss", "afghan_hound beagle chow"),
    "dogs-vs-cats-redux-kernels-edition": p("log_loss", classes="cat dog", named=False),
    "herbarium-2020-fgvc7": label("f1_macro", "0 7 21 32093"),
    "herbarium-2021-fgvc8": label("f1_macro", "0 7 21 64499"),
    "herbarium-2022-fgvc9": label("f1_macro", "0 7 21 15500"),
    "histopathologic-cancer-detection": p("roc_auc"),
    "hms-harmful-brain-activity-classification": Asked(
        "multiclass", "probability", "kl_divergence", VOTES, dict.fromkeys(VOTES, "0.3333"), settings={"task": "multiclass"}
    ),
    "hotel-id-2021-fgvc8": texts("ranking", {"name": "map_at_k", "k": 5}, "multiclass", every("36363 53586 18807"), "36363"),
    "imet-2020-fgvc7": texts("set", "f1_micro", "multilabel", SETS, "a b", settings={"task": "multilabel"}),
    "inaturalist-2019-fgvc6": texts("ranking", {"name": "top_k_error", "k": 1}, "multiclass", every("0 1 2 3"), "0 1 2"),
    "invasive-species-monitoring": p("roc_auc"),
    "iwildcam-2019-fgvc6": label("f1_macro", "0 1 11 13"),
    "iwildcam-2020-fgvc7": label("accuracy", "0 2 3 96"),
    "leaf-classification": classes("log_loss", "Acer_Opalus Quercus_Rubra Tilia_Tomentosa"),
    "paddy-disease-classification": label("accuracy", "blast normal tungro"),
    "petfinder-pawpularity-score": values("rmse", "Pawpularity"),
    "plant-pathology-2020-fgvc7": Asked(
        "multiclass",
        "probability",
        "roc_auc",
        {"healthy": every("1 0 0"), "rust": every("0 1 0"), "scab": every("0 0 1")},
        dict.fromkeys(["healthy", "rust", "scab"], "0.25"),
    ),
    "plant-pathology-2021-fgvc8": texts(
        "set", "f1_micro", "multilabel", every("scab rust healthy"), "healthy", settings={"task": "multilabel"}
    ),
    "plant-seedlings-classification": Asked(
        "multiclass",
        "label",
        "f1_micro",
        {"species": ["Black-grass", "Common wheat", "Sugar beet"] * 4},
        {"species": "Sugar beet"},
    ),
    "ranzcr-clip-catheter-line-classification": multilabel("roc_auc", "ETT NGT CVC", more={"PatientID": every("p q r")}),
    "rsna-breast-cancer-detection": Asked(
        "binary",
        "probability",
        "probabilistic_f1",
        {"cancer": [str(int(breast == "P1_L")) for breast in BREASTS]},
        {"cancer": "0.02"},
        more={"patient": [breast[:2] for breast in BREASTS], "side": [breast[-1] for breast in BREASTS]},
        settings={"answer_id": "{patient}_{side}", "id": "image", "aggregate": "max", "target": "cancer"},
        id="image",
    ),
    "seti-breakthrough-listen": p("roc_auc"),
    "siim-isic-melanoma-classification": p("roc_auc", more={"patient_id": every("p q r")}),
    "statoil-iceberg-classifier-challenge": p("log_loss", target="is_iceberg"),
    "whale-categorization-playground": texts(
        "ranking", {"name": "map_at_k", "k": 5}, "multiclass", WHALES, "new_whale w_1 w_2 w_3"
    ),
    "freesound-audio-tagging-2019": Asked(
        "multilabel",
        "probability",
        "lwlrap",
        {"labels": [",".join(labels.split()) or "a" for labels in SETS]},
        dict.fromkeys("abc", "0"),
        settings={"task": "multilabel"},
    ),
    "mlsp-2013-birds": multilabel(
        {"name": "roc_auc", "average": "micro"}, "0 1 2", settings={"pair_id": "{id}{label:02d}", "target": ("0", "1", "2")}
    ),
    "tensorflow-speech-recognition-challenge": label("accuracy", "yes no up silence unknown"),
    "the-icml-2013-whale-challenge-right-whale-redux": p("roc_auc", named=False),
    "rsna-2022-cervical-spine-fracture-detection": multilabel(
        {"name": "weighted_log_loss", "label_weights": [7, 1, 1, 1, 1, 1, 1, 1], "positive_weight": 2},
        VERTEBRAE,
        settings={"pair_id": "{id}_{label}", "target": tuple(VERTEBRAE.split())},
    ),
    "nfl-player-contact-detection": label("mcc", "0 1", task="binary"),
    "detecting-insults-in-social-commentary": p("roc_auc", target="Insult"),
    "facebook-recruiting-iii-keyword-extraction": texts(
        "set", "f1_micro", "multilabel", SETS, "c", settings={"task": "multilabel"}
    ),
    "google-quest-challenge": values("spearman", "question_asker_intent answer_helpful answer_plausible"),
    "jigsaw-toxic-comment-classification-challenge": multilabel("roc_auc", "toxic severe_toxic obscene threat insult hate"),
    "jigsaw-unintended-bias-in-toxicity-classification": Asked(
        "regression",
        "value",
        {"name": "bias_auc", "subgroups": ["male", "female"]},
        {"target": every("0.1 0.7 0.3 0.9")},
        {"prediction": "0"},
        more={"male": every("1 1 0 0"), "female": every("0 0.2 1 0.6")},
        settings={"target": "target"},
    ),
    "learning-agency-lab-automated-essay-scoring-2": label("quadratic_weighted_kappa", "1 2 3 4 5 6"),
    "lmsys-chatbot-arena": Asked(
        "multiclass",
        "probability",
        "log_loss",
        {"winner_model_a": every("1 0 0"), "winner_model_b": every("0 1 0"), "winner_tie": every("0 0 1")},
        dict.fromkeys(["winner_model_a", "winner_model_b", "winner_tie"], "0.3333"),
    ),
    "movie-review-sentiment-analysis-kernels-only": label("accuracy", "0 1 2 3 4"),
    "random-acts-of-pizza": p("roc_auc", classes="False True", target="requester_received_pizza"),
    "spooky-author-identification": classes("log_loss", "EAP HPL MWS"),
    "us-patent-phrase-to-phrase-matching": values("pearson", "score"),
    "champs-scalar-coupling": values(
        {"name": "group_log_mae", "group": "type"},
        "scalar_coupling_constant",
        more={"type": every("1JHC 2JHH")},
        best=-20.723266,
    ),
    "icecube-neutrinos-in-deep-ice": values("angular_error", "azimuth zenith"),
    "osic-pulmonary-fibrosis-progression": Asked(
        "regression",
        "confidence",
        "laplace_log_likelihood",
        {"FVC": every("2315 2214.5 2061 2400")},
        {"FVC": "2000", "Confidence": "100"},
        settings={"target": "FVC"},
        best=-5.6448910,
    ),
    "predict-volcanic-eruptions-ingv-oe": values("mae", "time_to_eruption"),
    "smartphone-decimeter-2022": Asked(
        "regression",
        "value",
        {"name": "haversine_percentiles", "group": "tripId"},
        {"LatitudeDegrees": every("37.39 37.41 37.5"), "LongitudeDegrees": every("-122.1 -122.2")},
        {"LatitudeDegrees": "0", "LongitudeDegrees": "0"},
        settings={"id": ("tripId", "time")},
        id="tripId time",
    ),
    "stanford-covid-vaccine": values(
        {"name": "mcrmse", "targets": ["reactivity", "deg_Mg_pH10"], "mask": "scored"},
        "reactivity deg_Mg_pH10 deg_pH10",
        more={"scored": every("1 1 0")},
    ),
    "ventilator-pressure-prediction": values(
        {"name": "mae", "mask": "u_out", "keep": 0}, "pressure", more={"u_out": every("0 1 0")}
    ),
    "new-york-city-taxi-fare-prediction": values("rmse", "fare_amount"),
    "nomad2018-predict-transparent-conductors": values("rmsle", "formation_energy_ev_natom bandgap_energy_ev"),
    "playground-series-s3e18": multilabel("roc_auc", "EC1 EC2"),
    "spaceship-titanic": label("accuracy", "False True", task="binary", target="Transported"),
    "tabular-playground-series-dec-2021": label("accuracy", "1 2 3 7", target="Cover_Type"),
    "tabular-playground-series-may-2022": p("roc_auc"),
}
