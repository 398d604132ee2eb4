"""The whole community in plain sentences: its groups, its items, its figures and who set them.

What is to be there is the standard's; how it is said is ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.communities.standards import Measure, Only
from app.core import clock
from app.core.words import counted

if TYPE_CHECKING:
    from flask_babel import LazyString

    from app.communities.settings import Shown
    from app.communities.standards import Figure

_GROUPS = {
    "1": _l("基本的公共服务"),
    "2": _l("方便的商店"),
    "3": _l("水电、道路和卫生"),
    "4": _l("活动的地方"),
    "5": _l("物业管理"),
    "6": _l("社区的事有人管"),
}

# An item's name, and what it is for whoever lives there.
_ITEMS: dict[str, tuple[LazyString, LazyString]] = {
    "1-1": (
        _l("社区综合服务站"),
        _l("办事的大厅、居委会和民警的办公室、居民活动和看书的房间，都在一处。"),
    ),
    "1-2": (_l("幼儿园"), _l("三岁到六岁的孩子在家门口就能上，收费公道。")),
    "1-3": (
        _l("托儿所"),
        _l("三岁以前的孩子有地方托管，安全、放心。可以设在社区用房或者办公楼里。"),
    ),
    "1-4": (
        _l("老年服务站"),
        _l("给老人送餐、打扫、上门照料，也能来坐坐。可以和综合服务站建在一起。"),
    ),
    "1-5": (_l("社区卫生服务站"), _l("看小病、打疫苗、做康复，不用跑远路。")),
    "2-1": (
        _l("综合超市"),
        _l("买菜、买水果、买日用品。老社区地方不够的，可以用两三家 50 到 100 平方米的便利店代替。"),
    ),
    "2-2": (
        _l("信箱和快递柜"),
        _l("快递柜的格子够放一天的快递。新建的社区还要有一处寄件、取件的服务站。"),
    ),
    "2-3": (_l("其他小店"), _l("理发、洗衣、药店、修理、家政、吃饭的地方。")),
    "3-1": (
        _l("水、电、路、气、热和网络"),
        _l("管线和道路完好、安全。光纤接到户，手机有信号，有安全防范的设备。"),
    ),
    "3-2": (
        _l("停车和充电"),
        _l("车有地方停，不占消防通道；自行车、电动车也有地方停、有地方充电。"),
    ),
    "3-3": (_l("走路和骑车的道路"), _l("从家到活动场地、到公交站，一路走得通、走得安全。")),
    "3-4": (
        _l("无障碍设施"),
        _l("楼门口有坡道和扶手，轮椅、婴儿车能走。有条件的楼加装电梯。"),
    ),
    "3-5": (_l("垃圾和公共厕所"), _l("有分类投放垃圾的地方，有收集站，有公共厕所。")),
    "4-1": (
        _l("公共活动场地"),
        _l("至少有一片能健身的场地，有座椅，有孩子玩的设施。新建的社区还要有运动场地。"),
    ),
    "4-2": (
        _l("公共绿地"),
        _l("至少有一片谁都能进的绿地。老社区可以用边角地做小公园，新建的社区要有游园。"),
    ),
    "5-1": (
        _l("物业服务"),
        _l("每个小区都有人管：请物业公司，社区代管，或者居民自己管。物业要有办公的房间。"),
    ),
    "5-2": (_l("物业管理服务平台"), _l("报修、办事，网上和当面都行。")),
    "6-1": (
        _l("管理机制"),
        _l("党组织牵头，政府组织，业主参加，企业服务。城市管理的人进社区，和居民通得上话。"),
    ),
    "6-2": (_l("综合管理"), _l("私搭乱建等有人依法管；整治环境、垃圾分类，居民一起来。")),
    "6-3": (_l("社区文化"), _l("一起办活动，一起商量居民公约。")),
}

_FIGURES = {
    "station_area": _l("综合服务站的建筑面积"),
    "kindergarten_classes": _l("幼儿园有几个班"),
    "kindergarten_area": _l("幼儿园的建筑面积"),
    "kindergarten_land": _l("幼儿园的占地面积"),
    "nursery_area": _l("托儿所的建筑面积"),
    "day_care_area": _l("老人日间照料中心的建筑面积"),
    "health_station_area": _l("卫生服务站的建筑面积"),
    "supermarket_area": _l("综合超市的建筑面积"),
    "parcel_station_area": _l("快递服务站的建筑面积"),
    "parking_per_100_households": _l("每 100 户有几个车位"),
    "charging_share": _l("能装充电桩的车位占多少"),
    "minutes_to_bus_stop": _l("走到公交站要几分钟"),
    "waste_station_land": _l("垃圾收集站的占地面积"),
    "public_toilet_area": _l("公共厕所的建筑面积"),
    "activity_ground_land": _l("活动场地的占地面积"),
    "sports_ground_land": _l("运动场地的占地面积"),
    "park_land": _l("社区游园的占地面积"),
    "management_room_area": _l("物业用房的建筑面积"),
}


def group_name(group: str) -> str:
    """One of the six groups as people say it."""
    return str(_GROUPS[group])


def item_name(item: str) -> str:
    """One of the 20 items."""
    return str(_ITEMS[item][0])


def item_about(item: str) -> str:
    """What the item is for."""
    return str(_ITEMS[item][1])


def figure_name(key: str) -> str:
    """A figure as the pages of settings list it."""
    return str(_FIGURES[key])


def bound_text(one: Figure, number: int) -> str:
    """A number as what is asked for: at least so much; of minutes, no more than so many."""
    match one.measure:
        case Measure.BUILDING | Measure.LAND:
            return _("至少 %(number)s 平方米", number=number)
        case Measure.CLASSES:
            return counted("至少 %(num)s 个班", number)
        case Measure.MINUTES:
            return counted("不超过 %(num)s 分钟", number)
        case Measure.SPACES:
            return _("至少 %(number)s 个", number=number)
        case Measure.SHARE:
            return _("至少 %(number)s%%", number=number)


def only_text(one: Figure) -> str:
    """Whom a figure is for; empty for everybody."""
    return {
        Only.ALL: "",
        Only.NEW: _("只对新建的社区"),
        Only.WHERE_POSSIBLE: _("有条件的社区才建"),
    }[one.only]


def standard_text(one: Figure) -> str:
    """What the trial standard itself says, whatever a place has set."""
    asked = bound_text(one, one.number)
    if one.advisable:
        return _("国家试行标准写的是%(asked)s，用的是“宜”字：建议这样，不强求", asked=asked)
    return _("国家试行标准写的是%(asked)s", asked=asked)


def origin_text(one: Figure, shown: Shown) -> str:
    """Where the number that holds comes from, with the standard's own where it is another."""
    by = shown.held.by
    if by is None:
        if one.advisable:
            return _("国家试行标准，用的是“宜”字：建议这样，不强求。")
        return _("国家试行标准。")
    day = clock.day_of(by.set_at).isoformat() if by.set_at else ""
    if int(shown.held.value) == one.number:
        return _("%(place)s %(day)s 定的，和国家试行标准一样。", place=shown.place, day=day)
    return _(
        "%(place)s %(day)s 定的。%(standard)s。",
        place=shown.place,
        day=day,
        standard=standard_text(one),
    )


def about(one: Figure) -> str:
    """What a figure is for and what the standard says: under its name where it is set."""
    return _(
        "%(standard)s。只是给大家对照，写在“完整社区要有什么”那一页；改了以后，投票和项目都不受影响。",
        standard=standard_text(one),
    )
