"""What the report on the evidence tells of its runs: which rows and differences, in what order, under what names."""

from typing import Literal

from fgsbir.evaluation.evidence import Difference, Line
from pipeline.evidence import LONG

LONGER = f"joint training of {LONG['joint.steps']:,} steps"
# The rows of the ablation from top to bottom, with what a reader calls them.
ABLATION = {
    "supervised": "supervised",
    "control": "control: no unlabelled photos",
    "control_no_teacher": "control without the teacher",
    "vanilla": "vanilla: one drawing of each photo, used blindly",
    "no_instance_weighting": "full without instance weighting",
    "no_teacher": "full without the teacher",
    "no_attention": "full without G's attention",
    "no_joint_training": "full without joint training",
    "no_weights_teacher_joint": "full without weighting, teacher and joint training",
    "no_edges": "full without drawings of edges",
    "no_drawings": "edges alone: no G, no joint training",
    "negatives_only": "full without joint training, pseudo pairs of weight 0",
    "absolute_teacher": "full, absolute teacher",
    "omega_itself": "full, weights of ω itself",
    "hard_threshold": "full, hard threshold of certainty",
    "full": "full",
    "plain_generator_vanilla": "plain G (the pairs alone, one drawing at temperature 1): vanilla",
    "plain_generator_full": "plain G: full, weights of ω itself",
    "mismatched": "vanilla with another photo's drawing",
    "edge_maps": "vanilla with edge maps",
    "oracle": "vanilla with true sketches",
    "long_control": f"{LONGER}: control",
    "long_vanilla": f"{LONGER}: vanilla",
    "long_full": f"{LONGER}: full",
}
# The same differences in the paper, acc@1, in points: those of its ablation, and over shares of labels Figure 4b's.
PAPER = {
    "full_minus_vanilla": "+8.5 (ShoeV2)",
    "full_minus_no_instance_weighting": "+2.3 (ShoeV2)",
    "full_minus_no_teacher": "+1.8 (ShoeV2)",
    "full_minus_no_attention": "+1.5 (ShoeV2)",
    "full_minus_no_joint_training": "+1.2 (ShoeV2)",
    "labelled_0.2_full_minus_supervised": "+13 (ShoeV2), +11 (ChairV2)",
    "labelled_0.4_full_minus_supervised": "+13 (ShoeV2), +12 (ChairV2)",
    "labelled_0.6_full_minus_supervised": "+12 (ShoeV2), +11 (ChairV2)",
    "labelled_0.8_full_minus_supervised": "+8.5 (ShoeV2), +8.6 (ChairV2)",
    "full_minus_supervised": "+6.3 (ShoeV2), +6.9 (ChairV2)",
    "chairv2_labelled_0.4_full_minus_supervised": "+12 (ChairV2)",
    "chairv2_labelled_0.4_full_minus_chairv2_labelled_0.4_vanilla": "+10.6 (ChairV2, all labels)",
}
# What stands at the README's top: what joint training's F has learned from.
HEADLINE = {
    "supervised": "the labelled chairs, no joint training: `supervised`",
    "control": "the labelled chairs: the control",
    "no_edges": "and G's drawings of the unlabelled ones, no edges",
    "no_drawings": "and the edges in the unlabelled ones, no G",
    "full": "and G's drawings of the unlabelled ones, and the edges in them: the default",
    "long_control": f"{LONG['joint.steps']:,} steps: the labelled chairs",
    "long_full": f"{LONG['joint.steps']:,} steps: and G's drawings and edges",
}
# The models of a share of labels: their rows' ends, their runs' ends, and which F of the run.
MODELS: list[tuple[str, str, Literal["supervised", "joint"]]] = [
    ("supervised", "full", "supervised"),
    ("control", "control", "joint"),
    ("full", "full", "joint"),
]
SHARES = ("0.2", "0.4", "0.6", "0.8", "1")
UNLABELLED = ("0", "0.25", "0.5", "1")
# Rows of less data than full's, with what a reader calls them.
SHARED = {
    f"unlabelled_{share}": f"full, F learns from {share} of the unlabelled photos" for share in UNLABELLED[1:-1]
} | {
    f"labelled_{share}_{model}": f"{model}, {share} of the labelled photos"
    for share in SHARES[:-1]
    for model, _, _ in MODELS
}
CHAIRV2_ROWS = {"labelled_1_supervised": "supervised, all labels"} | {
    f"labelled_0.4_{name}": f"{name}, 0.4 of the labels" for name in ("supervised", "control", "vanilla", "full")
}
LINES = [
    Line("supervised", "full", "control", model="supervised"),
    *(
        Line(name, name, "long_control" if name.startswith("long_") else "control")
        for name in ABLATION
        if name != "supervised"
    ),
    *(
        Line(f"unlabelled_{share}", run, "control")
        for share, run in (("0", "control"), ("0.25", "unlabelled_0.25"), ("0.5", "unlabelled_0.5"), ("1", "full"))
    ),
    *(
        Line(f"labelled_{share}_{name}", f"{run}{ending}", f"{run}control", model=model)
        for share in SHARES
        for run in ("" if share == "1" else f"labelled_{share}_",)
        for name, ending, model in MODELS
    ),
    Line("labelled_1_supervised", "chairv2_labelled_1_supervised", None, model="supervised", dataset="chairv2"),
    Line("labelled_0.4_vanilla", "chairv2_labelled_0.4_vanilla", "chairv2_labelled_0.4_control", dataset="chairv2"),
    *(
        Line(
            f"labelled_0.4_{name}",
            f"chairv2_labelled_0.4_{ending}",
            "chairv2_labelled_0.4_control",
            model=model,
            dataset="chairv2",
        )
        for name, ending, model in MODELS
    ),
]
# The runs whose G is told of before and after joint training, with what a reader calls it.
GENERATORS = {
    "full": "the default",
    "no_attention": "without attention",
    "chairv2_labelled_0.4_full": "ChairV2, 0.4 of the labels",
}
DIFFERENCES = [
    *(
        Difference("full", name)
        for name in ABLATION
        if name.startswith(("vanilla", "no_", "absolute", "omega", "hard"))
    ),
    Difference("full", "control_no_teacher"),
    Difference("vanilla", "control_no_teacher"),
    Difference("no_weights_teacher_joint", "vanilla"),
    Difference("no_edges", "vanilla"),
    Difference("no_attention", "no_drawings"),
    Difference("no_joint_training", "negatives_only"),
    Difference("omega_itself", "hard_threshold"),
    Difference("long_full", "long_vanilla"),
    Difference("plain_generator_full", "plain_generator_vanilla"),
    Difference("chairv2_labelled_0.4_full", "chairv2_labelled_0.4_vanilla"),
    Difference("chairv2_labelled_0.4_full"),
    *(Difference(f"labelled_{share}_full") for share in SHARES[:-1]),
    Difference("full"),
    *(
        Difference(f"labelled_{share}_full", f"labelled_{share}_control", beyond=("full", "control"))
        for share in SHARES[:-1]
    ),
]
# What a reader calls their rows.
COMPARED = (
    ABLATION
    | SHARED
    | {
        f"chairv2_labelled_0.4_{name}": f"ChairV2, {CHAIRV2_ROWS[f'labelled_0.4_{name}']}"
        for name in ("full", "vanilla")
    }
)
