// An SVG document taken apart, for tests of pictures. Throws where it is not well-formed.
#pragma once

#include <boost/property_tree/ptree.hpp>
#include <boost/property_tree/xml_parser.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace meridian::test {

struct Element {
  std::string name;
  std::map<std::string, std::string> attributes;
  std::string text;
  std::string title;         ///< of its <title>, if it has one
  std::size_t children = 0;  ///< elements
  std::size_t index = 0;     ///< in Elements::all
};

struct Elements {
  std::vector<Element> all;  ///< as they begin in the document

  [[nodiscard]] const Element& by_id(const std::string& id) const {
    for (const auto& element : all) {
      const auto found = element.attributes.find("id");
      if (found != element.attributes.end() && found->second == id) return element;
    }
    throw std::out_of_range("no element has the id " + id);
  }
  [[nodiscard]] long count(const std::string& attribute, const std::string& value) const {
    return std::count_if(all.begin(), all.end(), [&](const Element& element) {
      const auto found = element.attributes.find(attribute);
      return found != element.attributes.end() && found->second == value;
    });
  }
};

inline void append(const std::string& name, const boost::property_tree::ptree& tree, Elements& elements) {
  const std::size_t index = elements.all.size();
  elements.all.push_back({name, {}, tree.data(), {}, 0, index});
  for (const auto& [key, child] : tree) {
    if (key == "<xmlattr>") {
      for (const auto& [attribute, value] : child) elements.all[index].attributes[attribute] = value.data();
      continue;
    }
    if (key == "title") elements.all[index].title = child.data();
    ++elements.all[index].children;
    append(key, child, elements);
  }
}

inline Elements elements_of(const std::string& svg) {
  std::istringstream stream(svg);
  boost::property_tree::ptree tree;
  boost::property_tree::read_xml(stream, tree);
  Elements elements;
  for (const auto& [name, child] : tree) append(name, child, elements);
  return elements;
}

}  // namespace meridian::test
