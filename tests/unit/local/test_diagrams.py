"""docs/state-machines.md shows the state machines as they are defined now."""

from __future__ import annotations

from local.diagrams import DOCUMENT, document, flowchart


def test_the_document_is_generated_from_the_current_definitions() -> None:
    assert DOCUMENT.read_text() == document(), "run `make diagrams`"


def test_a_flowchart_shows_every_kind_of_transition() -> None:
    machine = {
        "StartAt": "Decide",
        "States": {
            "Decide": {
                "Type": "Choice",
                "Choices": [{"Condition": '{% $states.input.name = "a" %}', "Next": "Each"}],
                "Default": "Failed",
            },
            "Each": {
                "Type": "Map",
                "ItemProcessor": {"StartAt": "Rest", "States": {"Rest": {"Type": "Wait", "End": True}}},
                "Next": "Call",
                "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Failed"}],
            },
            "Call": {
                "Type": "Task",
                "Arguments": {"FunctionName": "${SubmitTaskArn}"},
                "Catch": [{"ErrorEquals": ["A", "B"], "Next": "Failed"}],
                "End": True,
            },
            "Failed": {"Type": "Fail"},
        },
    }
    assert list(flowchart(machine, "Machine", "")) == [
        "MachineStart(( )) --> Decide",
        'Decide{{"Decide<br>Choice"}}',
        'subgraph Each["Each<br>Map"]',
        "    EachStart(( )) --> Rest",
        '    Rest("Rest<br>Wait")',
        "    Rest --> EachEnd(( ))",
        "end",
        'Call["Call<br>Lambda SubmitTask"]',
        'Failed(["Failed<br>Fail"])',
        'Decide -->|"name = #quot;a#quot;"| Each',
        'Decide -->|"otherwise"| Failed',
        "Each --> Call",
        'Each -->|"error"| Failed',
        "Call --> MachineEnd(( ))",
        'Call -->|"A, B"| Failed',
    ]
