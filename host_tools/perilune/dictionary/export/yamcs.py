"""A Yamcs instance: links to `perilune gateway`, PUS preprocessing, CUC time, and the XTCE mission database.

As Yamcs 5.12 reads it; tests/system/test_yamcs.py runs one.
"""

from __future__ import annotations

from flight.limits import SCID, TC_FRAME_MAX, TC_VCID, TM_FRAME_LENGTH, TM_PACKET_MAX, TM_VC_PLAYBACK, TM_VC_REALTIME

from ..model import Dictionary
from .xtce import xtce_text

INSTANCE = "perilune"
TM_PORT = 10015
TC_PORT = 10025
# Commands wait so long for the first CLCW after the start of Yamcs; without one COP-1 must be initiated by hand.
CLCW_WAIT_S = 86_400


def yamcs_files(dictionary: Dictionary) -> dict[str, str]:
    """Files of a Yamcs server's folder, by their path."""
    return {
        "etc/yamcs.yaml": _SERVER,
        f"etc/yamcs.{INSTANCE}.yaml": _instance(),
        "etc/processor.yaml": _PROCESSOR,
        f"mdb/{INSTANCE}.xml": xtce_text(dictionary, error_control=False),
        "README.md": _readme(dictionary),
    }


def _channel(vcid: int, stream: str) -> str:
    return f"""\
      - vcId: {vcid}
        ocfPresent: true
        service: PACKET
        maxPacketLength: {TM_PACKET_MAX}
        packetPreprocessorClassName: org.yamcs.pus.PusPacketPreprocessor
        packetPreprocessorArgs:
          errorDetection:
            type: CRC-16-CCIIT
          useLocalGenerationTime: false
          pktTimeOffset: 13
          timeEncoding:
            type: CUC
            epoch: TAI
        stream: {stream}
"""


def _instance() -> str:
    # A service or a mission database has its options under `args`; a link takes them inline and ignores `args`.
    return f"""\
services:
  - class: org.yamcs.archive.XtceTmRecorder
  - class: org.yamcs.archive.ParameterRecorder
  - class: org.yamcs.archive.AlarmRecorder
  - class: org.yamcs.archive.EventRecorder
  - class: org.yamcs.archive.ReplayServer
  - class: org.yamcs.archive.CommandHistoryRecorder
  - class: org.yamcs.parameter.SystemParametersService
    args:
      producers: ["jvm", "fs"]
  - class: org.yamcs.ProcessorCreatorService
    args:
      name: realtime
      type: realtime

dataLinks:
  - name: frames-in
    class: org.yamcs.tctm.ccsds.UdpTmFrameLink
    port: {TM_PORT}
    frameType: TM
    spacecraftId: {SCID}
    frameLength: {TM_FRAME_LENGTH}
    errorDetection: CRC16
    clcwStream: clcw
    virtualChannels:
{_channel(TM_VC_REALTIME, "tm_realtime")}{_channel(TM_VC_PLAYBACK, "tm_dump")}
  - name: frames-out
    class: org.yamcs.tctm.ccsds.UdpTcFrameLink
    host: localhost
    port: {TC_PORT}
    spacecraftId: {SCID}
    maxFrameLength: {TC_FRAME_MAX}
    errorDetection: CRC16
    virtualChannels:
      - vcId: {TC_VCID}
        service: PACKET
        priority: 1
        commandPostprocessorClassName: org.yamcs.tctm.pus.PusCommandPostprocessor
        commandPostprocessorArgs:
          errorDetection:
            type: CRC-16-CCIIT
        stream: tc_realtime
        useCop1: true
        clcwStream: clcw
        initialClcwWait: {CLCW_WAIT_S}
        mapId: 0

mdb:
  - type: xtce
    args:
      file: mdb/{INSTANCE}.xml

streamConfig:
  tm:
    - name: tm_realtime
      processor: realtime
    - name: tm_dump
  cmdHist: ["cmdhist_realtime"]
  event: ["events_realtime"]
  param: ["pp_realtime", "sys_param"]
  parameterAlarm: ["alarms_realtime"]
  tc:
    - name: tc_realtime
      processor: realtime
"""


_SERVER = f"""\
services:
  - class: org.yamcs.http.HttpServer
    args:
      port: 8090

dataDir: yamcs-data

instances:
  - {INSTANCE}
"""

_PROCESSOR = """\
realtime:
  services:
    - class: org.yamcs.StreamTmPacketProvider
    - class: org.yamcs.StreamTcCommandReleaser
    - class: org.yamcs.tctm.StreamParameterProvider
    - class: org.yamcs.algorithms.AlgorithmManager
    - class: org.yamcs.parameter.LocalParameterManager
  config:
    subscribeAll: true
    alarm:
      parameterCheck: true
"""


def _readme(dictionary: Dictionary) -> str:
    return f"""\
# Yamcs for this mission

Made from dictionary {dictionary.content_hash.hex()[:8]}, for Yamcs 5.12; make it again when the dictionary changes.

1. Start Yamcs in this folder: `yamcsd --etc-dir etc`.
2. Join the board to it: `perilune gateway board --tm 127.0.0.1:{TM_PORT} --tc 127.0.0.1:{TC_PORT} --tc-form frame`.
   `board` is a target of perilune.toml, or `sitl`; a plain port needs `--key-file keys.toml`. The gateway adds the
   authentication and makes CLTUs; COP-1 runs in Yamcs, and begins with the first frame of the board.

Times of packets are on-board time (CUC, epoch TAI 1958). Until somebody has set the board's clock it counts from
2020-01-01; `perilune time sync` sets it.
"""
