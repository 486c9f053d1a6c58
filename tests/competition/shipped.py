"""Competitions in the formats that Kaggle ships, in small: their files' names, columns, ids and spellings.

The test rows repeat the first training rows, so that the truth of each is known.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from tests.competition.test_sixty import PIXEL

TRAIN, TEST = 24, 8


@dataclass(frozen=True)
class Shipped:
    """How a competition's files are written, what a competitor says to init, and what is worked out.

    `write` writes the files into a folder and returns the solution. `evaluation` is Kaggle's name of the metric; `asked` is what
    init's question names where the files leave something open without `settings`.
    """

    write: Callable[[Any], pd.DataFrame]
    evaluation: str
    task: str
    answer: str
    modality: str
    settings: dict[str, Any] = field(default_factory=dict)
    asked: str = ""
    best: float | None = None


def images(folder, names):
    """Write an image for each name."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(PIXEL)


def write(root, train, test, sample, train_name="train.csv", test_name="test.csv", sample_name="sample_submission.csv", **how):
    """Write three tables as CSV; a test table is None where a competition ships none."""
    for table, name in ((train, train_name), (test, test_name), (sample, sample_name)):
        if table is not None:
            table.to_csv(root / name, index=False, **how)


def cycled(*values, rows=TRAIN):
    """These values in turn."""
    return [values[row % len(values)] for row in range(rows)]


def plant_pathology_2020(root):
    train_ids, test_ids = [f"Train_{i}" for i in range(TRAIN)], [f"Test_{i}" for i in range(TEST)]
    names = ["healthy", "multiple_diseases", "rust", "scab"]
    one_hot = pd.DataFrame(np.eye(4, dtype=int)[cycled(0, 1, 2, 3)], columns=names)
    sample = pd.DataFrame({"image_id": test_ids, **dict.fromkeys(names, 0.25)})
    write(root, one_hot.assign(image_id=train_ids)[["image_id", *names]], pd.DataFrame({"image_id": test_ids}), sample)
    images(root / "images", [f"{name}.jpg" for name in train_ids + test_ids])
    return one_hot[:TEST].assign(image_id=test_ids)


def plant_pathology_2021(root):
    train_ids, test_ids = [f"8{i:05x}b8d3c.jpg" for i in range(TRAIN)], [f"f{i:05x}a7ac.jpg" for i in range(TEST)]
    labels = cycled(
        "healthy", "scab", "scab frog_eye_leaf_spot complex", "complex", "frog_eye_leaf_spot", "rust frog_eye_leaf_spot"
    )
    write(
        root, pd.DataFrame({"image": train_ids, "labels": labels}), None, pd.DataFrame({"image": test_ids, "labels": "healthy"})
    )
    images(root / "train_images", train_ids)
    images(root / "test_images", test_ids)
    return pd.DataFrame({"image": test_ids, "labels": labels[:TEST]})


def paddy(root):
    train_ids, test_ids = [f"1{i:05d}.jpg" for i in range(TRAIN)], [f"2{i:05d}.jpg" for i in range(1, TEST + 1)]
    labels = cycled("bacterial_leaf_blight", "blast", "normal", "tungro")
    train = pd.DataFrame(
        {
            "image_id": train_ids,
            "label": labels,
            "variety": cycled("ADT45", "IR20", "KarnatakaPonni"),
            "age": cycled(45, 50, 60, 65),
        }
    )
    write(root, train, None, pd.DataFrame({"image_id": test_ids, "label": ""}))
    images(root / "train_images", [f"{label}/{name}" for label, name in zip(labels, train_ids, strict=True)])
    images(root / "test_images", test_ids)
    return pd.DataFrame({"image_id": test_ids, "label": labels[:TEST]})


def iwildcam_2020(root):
    train_ids, test_ids = [f"8{i:04x}-21bc-11ea-a13a" for i in range(TRAIN)], [f"9{i:04x}-21bc-11ea-a13a" for i in range(TEST)]
    labels = cycled(0, 2, 3, 96)

    def image(name, row):
        return {
            "seq_num_frames": 1,
            "location": row % 5,
            "datetime": "2013-06-05 05:44:19.000",
            "frame_num": 0,
            "seq_id": f"s{row}",
            "width": 1920,
            "height": 1080,
            "id": name,
            "file_name": f"{name}.jpg",
        }

    categories = [
        {"id": at, "name": name, "count": 1}
        for at, name in ((0, "empty"), (2, "tayassu pecari"), (3, "dasyprocta"), (5, "puma"), (96, "start"))
    ]
    info = {"year": 2020, "version": 1, "description": "iWildCam 2020"}
    annotations = [
        {"count": 1, "image_id": name, "id": f"a{at}", "category_id": label}
        for at, (name, label) in enumerate(zip(train_ids, labels, strict=True))
    ]
    boxes = [
        {"detections": [{"category": "1", "bbox": [0.6, 0.5, 0.1, 0.1], "conf": 0.9}], "id": name, "max_detection_conf": 0.9}
        for name in train_ids
    ]
    for name, value in {
        "iwildcam2020_train_annotations": {
            "annotations": annotations,
            "images": [image(name, at) for at, name in enumerate(train_ids)],
            "categories": categories,
            "info": info,
        },
        "iwildcam2020_test_information": {
            "images": [image(name, at) for at, name in enumerate(test_ids)],
            "categories": categories,
            "info": info,
        },
        "iwildcam2020_megadetector_results": {"images": boxes, "detection_categories": {"1": "animal"}, "info": info},
    }.items():
        (root / f"{name}.json").write_text(json.dumps(value))
    pd.DataFrame({"Id": test_ids, "Category": 0}).to_csv(root / "sample_submission.csv", index=False)
    images(root / "train", [f"{name}.jpg" for name in train_ids])
    images(root / "test", [f"{name}.jpg" for name in test_ids])
    return pd.DataFrame({"Id": test_ids, "Category": [*labels[: TEST - 1], 5]})


def osic(root):
    patients = [f"ID000{i}637177665" for i in range(10, 16)]
    rows = [(patient, week, 2000 + 37 * at + week * 3.5) for at, patient in enumerate(patients) for week in (-4, 6, 9, 20)]
    rows.append((patients[0], 6, 2300.0))
    train = pd.DataFrame(rows, columns=["Patient", "Weeks", "FVC"])
    smoking = {patient: ["Ex-smoker", "Never smoked"][at % 2] for at, patient in enumerate(patients)}
    train = train.assign(Percent=train["FVC"] / 40, Age=79, Sex="Male", SmokingStatus=train["Patient"].map(smoking))
    test = train.iloc[[0, 4]].reset_index(drop=True)
    weeks = range(-12, 4)
    ids = [f"{patient}_{week}" for week in weeks for patient in test["Patient"]]
    write(root, train, test, pd.DataFrame({"Patient_Week": ids, "FVC": 2000, "Confidence": 100}))
    return pd.DataFrame({"Patient_Week": ids, "FVC": [2000 + at for at in range(len(ids))]})


def insults(root):
    comments = [
        '"You fuck your dad."',
        '"i really don\'t understand your point.\\xa0 It seems that you are mixing apples and oranges."',
        '"A\\\\xc2\\\\xa0majority of Canadians, and ""others"", can and has been wrong before now."',
        '"listen if you dont wanna get married to a man or a women DONT DO IT."',
    ]
    texts = [f'{comment[:-1]} ({row})"' for row, comment in enumerate(cycled(*comments))]
    train = pd.DataFrame(
        {
            "Insult": cycled(1, 0, 0),
            "Date": [f"201206{18 + row % 10}1921{row:02d}Z" if row % 5 else "" for row in range(TRAIN)],
            "Comment": texts,
        }
    )
    test = train[:TEST][["Date", "Comment"]]
    write(root, train, test, test.assign(Insult=0)[["Insult", "Date", "Comment"]], sample_name="sample_submission_null.csv")
    return train[:TEST]


def hms(root):
    votes = ["seizure_vote", "lpd_vote", "gpd_vote", "lrda_vote", "grda_vote", "other_vote"]
    counts = np.random.default_rng(0).integers(0, 5, (TRAIN, 6)) + np.eye(6, dtype=int)[cycled(0, 1, 2, 3, 4, 5)]
    train = pd.DataFrame(
        {
            "eeg_id": [1628180742 + row // 3 for row in range(TRAIN)],
            "eeg_sub_id": cycled(0, 1, 2),
            "eeg_label_offset_seconds": cycled(0.0, 6.0, 8.0),
            "spectrogram_id": [353733 + row // 3 for row in range(TRAIN)],
            "spectrogram_sub_id": cycled(0, 1, 2),
            "spectrogram_label_offset_seconds": cycled(0.0, 6.0, 8.0),
            "label_id": [127492639 + row * 7 for row in range(TRAIN)],
            "patient_id": [42516 + row // 6 for row in range(TRAIN)],
            "expert_consensus": cycled("Seizure", "LPD"),
            **dict(zip(votes, counts.T, strict=True)),
        }
    )
    test = pd.DataFrame(
        {"spectrogram_id": range(853520, 853520 + TEST), "eeg_id": range(3911565283, 3911565283 + TEST), "patient_id": 6885}
    )
    write(root, train, test, test[["eeg_id"]].assign(**dict.fromkeys(votes, 1 / 6)))
    images(root / "train_spectrograms", [f"{name}.png" for name in train["spectrogram_id"].unique()])
    images(root / "test_spectrograms", [f"{name}.png" for name in test["spectrogram_id"]])
    return train[votes][:TEST].assign(eeg_id=test["eeg_id"])


def petfinder(root):
    train_ids, test_ids = (
        [f"0007de18844b0dbbb5e1f607da0606{i:02x}" for i in range(TRAIN)],
        [f"4128bae22183829d2b5fea10effdb0{i:02x}" for i in range(TEST)],
    )
    facts = {
        name: cycled(0, 1, 1, 0, 1)
        for name in (
            "Subject Focus",
            "Eyes",
            "Face",
            "Near",
            "Action",
            "Accessory",
            "Group",
            "Collage",
            "Human",
            "Occlusion",
            "Info",
            "Blur",
        )
    }
    train = pd.DataFrame({"Id": train_ids, **facts, "Pawpularity": cycled(63, 42, 28, 15, 72, 100)})
    test = train[:TEST].drop(columns="Pawpularity").assign(Id=test_ids)
    write(root, train, test, pd.DataFrame({"Id": test_ids, "Pawpularity": 65.54}))
    images(root / "train", [f"{name}.jpg" for name in train_ids])
    images(root / "test", [f"{name}.jpg" for name in test_ids])
    return pd.DataFrame({"Id": test_ids, "Pawpularity": train["Pawpularity"][:TEST]})


def imet_2020(root):
    train_ids, test_ids = [f"1000{i:04x}c5a2" for i in range(TRAIN)], [f"2000{i:04x}c5a2" for i in range(TEST)]
    tags = cycled("448 2429 782", "2429", "961", "448 782", "961 3472")
    write(
        root,
        pd.DataFrame({"id": train_ids, "attribute_ids": tags}),
        None,
        pd.DataFrame({"id": test_ids, "attribute_ids": "448 782 961"}),
    )
    pd.DataFrame({"attribute_id": range(3474), "attribute_name": "country::afghan"}).to_csv(root / "labels.csv", index=False)
    images(root / "train", [f"{name}.png" for name in train_ids])
    images(root / "test", [f"{name}.png" for name in test_ids])
    return pd.DataFrame({"id": test_ids, "attribute_ids": ["448 2429", *cycled("2429", "782 448", rows=TEST - 1)]})


def facebook(root):
    tags = cycled("php image-processing file-upload", "firefox", "c# url encoding", "php", "firefox c#")
    titles = [f"How to check if an uploaded file is an image without mime type, number {row}?" for row in range(TRAIN)]
    body = '<p>I\'d like to check if an uploaded file is an image, e.g. ""png"" or\n\n<pre><code>a, b = c;</code></pre></p>'
    train = pd.DataFrame({"Id": range(1, TRAIN + 1), "Title": titles, "Body": body, "Tags": tags})
    test = train[:TEST].drop(columns="Tags").assign(Id=range(6034196, 6034196 + TEST))
    write(
        root,
        train,
        test,
        test[["Id"]].assign(Tags="php c# url"),
        train_name="Train.csv",
        test_name="Test.csv",
        sample_name="SampleSubmission.csv",
        quoting=1,
    )
    return test[["Id"]].assign(Tags=tags[:TEST])


def digit_recognizer(root):
    pixels = pd.DataFrame(np.random.default_rng(0).integers(0, 256, (TRAIN, 16)), columns=[f"pixel{at}" for at in range(16)])
    labels = cycled(1, 0, 4, 7, 3)
    write(
        root,
        pd.concat([pd.DataFrame({"label": labels}), pixels], axis=1),
        pixels[:TEST],
        pd.DataFrame({"ImageId": range(1, TEST + 1), "Label": 0}),
    )
    return pd.DataFrame({"ImageId": range(1, TEST + 1), "Label": labels[:TEST]})


def san_francisco_crime(root):
    kinds = cycled("ARSON", "LARCENY/THEFT", "SEX OFFENSES, FORCIBLE", "VEHICLE THEFT")
    train = pd.DataFrame(
        {
            "Dates": [f"2015-05-13 23:{row:02d}:00" for row in range(TRAIN)],
            "Category": kinds,
            "Descript": "WARRANT ARREST",
            "DayOfWeek": cycled("Wednesday", "Monday"),
            "PdDistrict": cycled("NORTHERN", "PARK"),
            "Resolution": "ARREST, BOOKED",
            "Address": "OAK ST / LAGUNA ST",
            "X": np.linspace(-122.5, -122.4, TRAIN),
            "Y": 37.77,
        }
    )
    test = train[:TEST].drop(columns=["Category", "Descript", "Resolution"])
    test.insert(0, "Id", range(TEST))
    sample = test[["Id"]].assign(**{kind: int(at == 0) for at, kind in enumerate(sorted(set(kinds)))})
    write(root, train, test, sample, sample_name="sampleSubmission.csv")
    return test[["Id"]].assign(**pd.get_dummies(pd.Series(kinds[:TEST]), dtype=int))


def rossmann(root):
    train = pd.DataFrame(
        {
            "Store": cycled(1, 2, 3),
            "DayOfWeek": cycled(5, 6, 7),
            "Date": [f"2015-07-{31 - row // 3:02d}" for row in range(TRAIN)],
            "Sales": [5263 + 31 * row if row % 7 else 0 for row in range(TRAIN)],
            "Customers": 555,
            "Open": [int(row % 7 > 0) for row in range(TRAIN)],
            "Promo": cycled(1, 0),
            "StateHoliday": cycled("0", "a"),
            "SchoolHoliday": 1,
        }
    )
    test = train[:TEST].drop(columns=["Sales", "Customers"]).astype({"Open": float})
    test.loc[3, "Open"] = np.nan
    test.insert(0, "Id", range(1, TEST + 1))
    write(root, train, test, test[["Id"]].assign(Sales=0))
    pd.DataFrame({"Store": [1, 2, 3], "StoreType": ["c", "a", "a"], "CompetitionDistance": [1270, 570, 14130]}).to_csv(
        root / "store.csv", index=False
    )
    return test[["Id"]].assign(Sales=train["Sales"][:TEST])


def store_item_demand(root):
    train = pd.DataFrame(
        {
            "date": [f"2013-01-{row + 1:02d}" for row in range(TRAIN)],
            "store": 1,
            "item": cycled(1, 2),
            "sales": [13 + row % 11 * 3 for row in range(TRAIN)],
        }
    )
    test = pd.DataFrame({"id": range(TEST), "date": [f"2018-01-{row + 1:02d}" for row in range(TEST)], "store": 1, "item": 1})
    write(root, train, test, test[["id"]].assign(sales=52))
    return test[["id"]].assign(sales=train["sales"][:TEST])


def icr(root):
    g = np.random.default_rng(0)
    measured = pd.DataFrame({name: g.normal(size=TRAIN).round(6) for name in ("AB", "AF", "BD ", "CW ", "GL")}).assign(
        EJ=cycled("A", "B")
    )
    train = measured.assign(Id=[f"000ff2bfd{row:03x}" for row in range(TRAIN)], Class=cycled(1, 0, 0))[
        ["Id", "AB", "AF", "BD ", "CW ", "EJ", "GL", "Class"]
    ]
    test = train[:TEST].drop(columns="Class").assign(Id=[f"00eed32682{row:02x}" for row in range(TEST)])
    write(root, train, test, test[["Id"]].assign(class_0=0.5, class_1=0.5))
    train[["Id"]].assign(Alpha=cycled("B", "A", "A"), Epsilon=cycled("3/19/2019", "Unknown")).to_csv(
        root / "greeks.csv", index=False
    )
    return test[["Id"]].assign(Class=train["Class"][:TEST])


def plasticc(root):
    kinds = cycled(6, 15, 16, 42, 90)
    train = pd.DataFrame(
        {
            "object_id": range(615, 615 + TRAIN),
            "ra": np.linspace(0, 350, TRAIN),
            "ddf": cycled(1, 0),
            "hostgal_photoz": 0.2,
            "mwebv": 0.017,
            "target": kinds,
        }
    )
    test = train[:TEST].drop(columns="target").assign(object_id=range(13, 13 + TEST))
    sample = test[["object_id"]].assign(**{f"class_{kind}": int(kind == 99) for kind in (6, 15, 16, 42, 90, 99)})
    write(root, train, test, sample, train_name="training_set_metadata.csv", test_name="test_set_metadata.csv")
    for name, table in (("training_set", train), ("test_set", test)):
        light = pd.DataFrame(
            {
                "object_id": np.repeat(table["object_id"], 3),
                "mjd": 59750.4229,
                "passband": 2,
                "flux": -544.810303,
                "flux_err": 3.6,
                "detected": 1,
            }
        )
        light.to_csv(root / f"{name}.csv", index=False)
    return test[["object_id"]].assign(target=[*kinds[: TEST - 1], 99])


def spaceship_titanic(root):
    party = [f"{row // 2 + 1:04d}_{row % 2 + 1:02d}" for row in range(TRAIN)]
    train = pd.DataFrame(
        {
            "PassengerId": party,
            "HomePlanet": cycled("Europa", "Earth", ""),
            "CryoSleep": cycled("False", "True", "False", ""),
            "Cabin": cycled("B/0/P", "F/0/S", ""),
            "Destination": "TRAPPIST-1e",
            "Age": cycled("39.0", "24.0", ""),
            "VIP": cycled("False", "False", "", "True", "False"),
            "RoomService": cycled("0.0", "109.0", ""),
            "Name": [f"Maham Ofracculy{row}" for row in range(TRAIN)],
            "Transported": cycled("False", "True", "True"),
        }
    )
    test = (
        train[:TEST]
        .drop(columns="Transported")
        .assign(PassengerId=[f"{row // 2 + 13:04d}_{row % 2 + 1:02d}" for row in range(TEST)])
    )
    write(root, train, test, test[["PassengerId"]].assign(Transported=False))
    return test[["PassengerId"]].assign(Transported=train["Transported"][:TEST])


def playground_s3e26(root):
    status = cycled("D", "C", "CL")
    train = pd.DataFrame(
        {
            "id": range(TRAIN),
            "N_Days": [999 + row for row in range(TRAIN)],
            "Drug": cycled("D-penicillamine", "Placebo"),
            "Age": 21532,
            "Sex": cycled("M", "F"),
            "Ascites": cycled("N", "Y"),
            "Edema": cycled("N", "S", "Y"),
            "Bilirubin": 2.3,
            "Stage": cycled(3.0, 4.0),
            "Status": status,
        }
    )
    test = train[:TEST].drop(columns="Status").assign(id=range(7905, 7905 + TEST))
    write(root, train, test, test[["id"]].assign(Status_C=0.628084, Status_CL=0.034788, Status_D=0.337128))
    return test[["id"]].assign(**pd.get_dummies(pd.Series(status[:TEST]), prefix="Status", dtype=int))


SHIPPED = {
    "plant-pathology-2020-fgvc7": Shipped(plant_pathology_2020, "Mean Columnwise ROC AUC", "multiclass", "probability", "image"),
    "plant-pathology-2021-fgvc8": Shipped(plant_pathology_2021, "Mean F-Score", "multilabel", "set", "image"),
    "paddy-disease-classification": Shipped(paddy, "Categorization Accuracy", "multiclass", "label", "image"),
    "iwildcam-2020-fgvc7": Shipped(iwildcam_2020, "Categorization Accuracy", "multiclass", "label", "image+table", best=7 / 8),
    "osic-pulmonary-fibrosis-progression": Shipped(
        osic, "Laplace Log Likelihood", "regression", "confidence", "table", best=-5.6448910
    ),
    "detecting-insults-in-social-commentary": Shipped(
        insults, "Area Under Receiver Operating Characteristic Curve", "binary", "probability", "text+table"
    ),
    "hms-harmful-brain-activity-classification": Shipped(
        hms,
        "Kullback Leibler Divergence",
        "multiclass",
        "probability",
        "image+table",
        settings={"id": "label_id"},
        asked="eeg_id",
    ),
    "petfinder-pawpularity-score": Shipped(petfinder, "Root Mean Squared Error", "regression", "value", "image+table"),
    "imet-2020-fgvc7": Shipped(imet_2020, "MeanFScore", "multilabel", "set", "image"),
    "facebook-recruiting-iii-keyword-extraction": Shipped(facebook, "Mean F1 Score", "multilabel", "set", "text"),
    "digit-recognizer": Shipped(digit_recognizer, "Categorization Accuracy", "multiclass", "label", "table"),
    "sf-crime": Shipped(san_francisco_crime, "Multiclass Loss", "multiclass", "probability", "table"),
    "rossmann-store-sales": Shipped(rossmann, "Root Mean Square Percentage Error", "regression", "value", "table"),
    "demand-forecasting-kernels-only": Shipped(store_item_demand, "SMAPE", "regression", "value", "table"),
    "icr-identify-age-related-conditions": Shipped(icr, "Balanced Log Loss", "binary", "probability", "table"),
    "PLAsTiCC-2018": Shipped(
        plasticc,
        "Weighted Multiclass Log Loss",
        "multiclass",
        "probability",
        "table",
        settings={
            "train": "training_set_metadata.csv",
            "test": "test_set_metadata.csv",
            "classes": ["6", "15", "16", "42", "90", "99"],
        },
        asked="class_99",
    ),
    "spaceship-titanic": Shipped(spaceship_titanic, "Categorization Accuracy", "binary", "label", "table"),
    "playground-series-s3e26": Shipped(playground_s3e26, "Multiclass Loss", "multiclass", "probability", "table"),
}
