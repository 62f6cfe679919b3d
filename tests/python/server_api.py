"""Drives a running server with the public Python client of the API that ours follows (tencentcloud-sdk-python-im).

Usage: server_api.py BASE_URL SDKAPPID KEY ADMIN

Every command that the client has is called as its users call it; only the base URL is ours. A method of the client that
calls nothing of a group, and that nobody here calls, fails the run.
"""

import inspect
import sys
import time

from tencentcloud_im.tcim_client import (
    BatchMessageObj,
    FriendObj,
    GroupObj,
    MessageFile,
    MessageObj,
    MessageText,
    SnsItemObj,
    TCIMClient,
    UpdateFriendObj,
)

NO_SUCH_COMMAND = 60009
UNKNOWN_ACCOUNT = 70107
NOT_A_FRIEND = 31704


class Watched(TCIMClient):
    """The client as it is, and the names of its methods that were called."""

    called = set()

    def __getattribute__(self, name):
        Watched.called.add(name)
        return super().__getattribute__(name)


def commands():
    """The client's methods that call a command which is not about groups of many."""
    methods = inspect.getmembers(TCIMClient, inspect.isfunction)
    sources = {name: inspect.getsource(method) for name, method in methods}
    return {name for name, source in sources.items() if "rest_url" in source and "group_open" not in source}


def reply(response, code=0):
    """What every reply holds, and the code that is expected."""
    assert response is not None, "the client failed to send"
    assert response.status_code == 200, response.status_code
    assert response.headers["content-type"] == "application/json", response.headers
    decoded = response.json()
    assert decoded["ErrorCode"] == code, decoded
    assert decoded["ActionStatus"] == ("FAIL" if code else "OK"), decoded
    assert isinstance(decoded["ErrorInfo"], str), decoded
    return decoded


def accounts(client):
    reply(client.add_single_user("py-alice", "Alice", "http://example.com/alice.png"))
    assert reply(client.batch_add_users(["py-bob", "py-carol", "py-gone"]))["FailAccounts"] == []
    items = reply(client.search_user(["py-alice", "py-nobody"]))["ResultItem"]
    assert [item["AccountStatus"] for item in items] == ["Imported", "NotImported"], items
    items = reply(client.del_user(["py-gone", "py-nobody"]))["ResultItem"]
    assert [item["ResultCode"] for item in items] == [0, UNKNOWN_ACCOUNT], items
    status = reply(client.check_user_online(["py-alice", "py-nobody"]))
    assert status["QueryResult"][0]["Status"] == "Offline", status
    assert status["ErrorList"] == [{"To_Account": "py-nobody", "ErrorCode": UNKNOWN_ACCOUNT}], status
    reply(client.abolition_user_sig("py-carol"))


def messages(client):
    keys = []
    for number in range(5):
        message = MessageObj("py-alice", "py-bob", [MessageText(f"hello {number}")], extra_data="custom")
        sent = reply(client.send_message(message))
        assert sent["MsgKey"].endswith(f"_{message.MsgRandom}_{sent['MsgTime']}"), sent
        keys.append(sent["MsgKey"])
    file = MessageFile("http://example.com/a.txt", 3, "a.txt")
    reply(client.send_message(MessageObj("py-alice", "py-bob", [], [file])))
    reply(client.batch_send_message(BatchMessageObj("py-alice", ["py-bob", "py-carol"], [MessageText("to all")])))
    old = MessageObj("py-alice", "py-bob", [MessageText("old")])
    reply(client.import_message_to_im(old, int(time.time()) - 600, 2))
    unread = reply(client.get_unread_num("py-bob", ["py-alice"]))["C2CUnreadMsgNumList"]
    assert unread == [{"Peer_Account": "py-alice", "C2CUnreadMsgNum": 7}], unread
    assert reply(client.get_unread_num("py-bob"))["AllC2CUnreadMsgNum"] == 7
    return keys


def history(client, keys):
    """Roaming history, page by page from new to old, as the client's users read it."""
    read, key, until = [], "", int(time.time()) + 60
    while True:
        page = reply(client.get_message_list("py-bob", "py-alice", 3, 0, until, key))
        assert page["MsgCnt"] == len(page["MsgList"]) <= 3, page
        read = page["MsgList"] + read
        if page["Complete"] == 1:
            break
        key, until = page["LastMsgKey"], page["LastMsgTime"]
    assert len(read) == 8, [message["MsgKey"] for message in read]
    assert read[0]["MsgBody"][0]["MsgContent"]["Text"] == "old", read[0]
    assert [message["MsgKey"] for message in read[1:6]] == keys, read
    assert read[1]["CloudCustomData"] == "custom", read[1]
    assert read[6]["MsgBody"][0]["MsgContent"]["FileName"] == "a.txt", read[6]
    for message in read:
        assert (message["MsgFlagBits"], message["IsPeerRead"]) == (0, 0), message
    reply(client.draw_message("py-alice", "py-bob", keys[0]))
    reply(client.set_user_message_read("py-bob", "py-alice", int(time.time()) - 300))
    assert reply(client.get_unread_num("py-bob"))["AllC2CUnreadMsgNum"] == 6, "the old one does not count, one is recalled"
    reply(client.set_user_message_read("py-bob", "py-alice"))
    read = reply(client.get_message_list("py-alice", "py-bob", 100, 0, int(time.time()) + 60))["MsgList"]
    assert [message["MsgFlagBits"] for message in read] == [0, 8, 0, 0, 0, 0, 0, 0], read
    assert all(message["IsPeerRead"] == 1 for message in read), read
    assert reply(client.get_unread_num("py-bob"))["AllC2CUnreadMsgNum"] == 0


def friends(client):
    items = [FriendObj("py-bob", "web", "Bobby", "work"), FriendObj("py-carol", "web")]
    added = reply(client.add_friend("py-alice", items))
    assert [item["ResultCode"] for item in added["ResultItem"]] == [0, 0], added
    assert "Fail_Account" not in added and added["ErrorDisplay"] == "", added
    changes = [SnsItemObj("Tag_SNS_IM_Remark", "Robert"), SnsItemObj("Tag_SNS_IM_Group", ["close"])]
    reply(client.update_friend("py-alice", [UpdateFriendObj("py-bob", changes)]))
    tags = ["Tag_SNS_IM_Remark", "Tag_SNS_IM_Group", "Tag_Profile_IM_Nick"]
    info = reply(client.get_target_friends("py-alice", ["py-bob", "py-nobody"], tags))
    values = {item["Tag"]: item["Value"] for item in info["InfoItem"][0]["SnsProfileItem"]}
    assert values == {"Tag_SNS_IM_Remark": "Robert", "Tag_SNS_IM_Group": ["close"]}, values
    assert info["InfoItem"][1]["ResultCode"] == NOT_A_FRIEND and info["Fail_Account"] == ["py-nobody"], info
    listed = reply(client.get_friends("py-alice"))
    assert listed["FriendNum"] == 2 and listed["CompleteFlag"] == 1, listed
    assert [item["To_Account"] for item in listed["UserDataItem"]] == ["py-bob", "py-carol"], listed
    reply(client.add_sns_group("py-alice", ["team"], ["py-carol"]))
    groups = reply(client.get_sns_group("py-alice"))["ResultItem"]
    assert [(group["GroupName"], group["To_Account"]) for group in groups] == [
        ("close", ["py-bob"]),
        ("team", ["py-carol"]),
    ], groups
    reply(client.delete_sns_group("py-alice", ["team"]))
    assert len(reply(client.get_sns_group("py-alice", ["team"]))["ResultItem"]) == 0
    reply(client.delete_friends("py-alice", ["py-bob", "py-carol"]))
    assert reply(client.get_friends("py-bob"))["FriendNum"] == 0


def not_here(client):
    """There are no groups of many: their commands say so, and nothing else goes wrong."""
    reply(client.get_group(), NO_SUCH_COMMAND)
    reply(client.create_group(GroupObj("py-alice", "Public", "g")), NO_SUCH_COMMAND)
    reply(client.get_joined_groups("py-alice"), NO_SUCH_COMMAND)


def main():
    base, sdkappid, key, admin = sys.argv[1:]
    client = Watched(int(sdkappid), key, admin, base)
    accounts(client)
    history(client, messages(client))
    friends(client)
    not_here(client)
    assert not commands() - Watched.called, commands() - Watched.called
    other = TCIMClient(int(sdkappid), "another key", admin, base)
    reply(other.search_user(["py-alice"]), 70009)


if __name__ == "__main__":
    main()
